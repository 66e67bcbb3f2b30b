import { textAt, type Json } from '../../../contract/json.ts';

/** What a value of a form can fill in: a field of the customer, or of the lead that it creates. */
export const targets: readonly { of: 'customer' | 'lead'; path: string; kind?: string }[] = [
  { of: 'customer', path: '' },
  { of: 'customer', path: 'email', kind: 'EMAIL' },
  { of: 'customer', path: 'phone', kind: 'PHONE' },
  { of: 'customer', path: 'displayName' },
  { of: 'customer', path: 'givenName' },
  { of: 'customer', path: 'familyName' },
  { of: 'customer', path: 'jobTitle' },
  { of: 'lead', path: 'company' },
  { of: 'lead', path: 'message' },
];

/** Such as `customer.email`; `customer.` for none. */
export function targetKey(field: Json): string {
  const lead = textAt(field, 'leadField');
  return lead === '' ? `customer.${textAt(field, 'customerField')}` : `lead.${lead}`;
}

export function withTarget(field: Json, target: string): Json {
  const { customerField: _, leadField: __, ...rest } = field;
  const path = target.slice(target.indexOf('.') + 1);
  if (path === '') return rest;
  return { ...rest, [target.startsWith('lead.') ? 'leadField' : 'customerField']: path };
}

/** The kind that a target asks for; undefined for one that takes any text. */
export function kindOf(target: string): string | undefined {
  return targets.find(({ of, path }) => `${of}.${path}` === target)?.kind;
}
