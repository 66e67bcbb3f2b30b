import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';

/** A value that only one live customer of a tenant may have. */
export interface UniqueValue {
  type: 'EMAIL' | 'DOMAIN' | 'EXTERNAL_ID';
  /** As compared and stored in customer_key. */
  value: string;
  /** Path in the customer by JSON names, such as `emails[0].address`. */
  path: string;
}

/** The unique values of a normalised customer, each once. */
export function uniqueValues({ emails, domains, externalIds }: Customer): UniqueValue[] {
  return [
    ...emails.map(({ address }, index) => ({
      type: 'EMAIL' as const,
      value: emailKey(address),
      path: `emails[${index}].address`,
    })),
    ...domains.map((domain, index) => ({ type: 'DOMAIN' as const, value: domain, path: `domains[${index}]` })),
    ...externalIds.map(({ system, value }, index) => ({
      type: 'EXTERNAL_ID' as const,
      value: externalIdKey(system, value),
      path: `externalIds[${index}].value`,
    })),
  ];
}

/** E-mail addresses are compared without case. */
export function emailKey(address: string): string {
  return address.toLowerCase();
}

/** A system's name has no slash, so that the first one ends it. */
export function externalIdKey(system: string, value: string): string {
  return `${system}/${value}`;
}
