import type { FieldViolation, ViolationCode } from '@rapport/platform';
import type { FieldRule } from '../../../exchange/mappings/field-rule.js';
import { addressPart } from '../../../exchange/mappings/lenses/address-parts.js';
import { isContactList } from '../../../exchange/mappings/lenses/contact-list.js';
import { customKey } from '../../../exchange/mappings/lenses/field-values.js';
import type { ExchangedType } from '../../../exchange/mappings/records/exchanged-types.js';
import type { MappingContent } from '../mapping-content.js';

const ofPeopleOnly = ['givenName', 'familyName', 'jobTitle', 'companyName', 'birthDate'];
const ofCompaniesOnly = ['domains'];

type Fault = [name: string, reason: ViolationCode, description: string];

/** Dependencies of the validation of rules. */
interface RuleContext {
  content: MappingContent;
  type: ExchangedType;
  /** Record types of the tenant's mappings, as references name them, by mapping id. */
  mappings: ReadonlyMap<string, string>;
}

/** The first fault of a rule, on its own and in combination with the others. */
export function ruleViolations(context: RuleContext, rule: FieldRule, index: number): FieldViolation[] {
  const fault =
    fieldFault(context, rule, index) ??
    transformFault(context.type, rule) ??
    referenceFault(context, rule) ??
    expressionFault(context.content, rule);
  return fault ? [violation(index, ...fault)] : [];
}

/** Whether a rule writes its field of the record of Rapport. */
export function mayWrite(direction: MappingContent['direction'], { authority }: FieldRule): boolean {
  return direction !== 'TO_PEER' && authority !== 'CUSTOMER';
}

export function violation(index: number, name: string, reason: ViolationCode, description: string): FieldViolation {
  return { field: [`mapping.fields[${index}]`, name].filter(Boolean).join('.'), reason, description };
}

function fieldFault({ content, type }: RuleContext, rule: FieldRule, index: number): Fault | undefined {
  const { fields, customerKind, direction } = content;
  const { customerField } = rule;
  const part = type.fields.has('addresses') ? addressPart(customerField) : undefined;
  const field = type.fields.get(customerField);
  const isOwn = type.hasCustomFields && customKey(customerField) !== undefined;
  if (!field && !isOwn && !part) {
    return ['customerField', 'UNKNOWN_FIELD', `is no field of a ${type.singular} that can be exchanged`];
  }
  if (customerKind && foreignTo(customerKind).includes(customerField)) {
    return ['customerField', 'UNKNOWN_FIELD', 'is none of this kind of customer'];
  }
  if (field?.writable === 'NEVER' && mayWrite(direction, rule)) {
    const description = 'is not writable: give it the authority CUSTOMER, or the mapping the direction TO_PEER';
    return ['customerField', 'NOT_WRITABLE', description];
  }
  return twiceFault(fields, rule, index);
}

function foreignTo(kind: 'PERSON' | 'COMPANY'): string[] {
  return kind === 'COMPANY' ? ofPeopleOnly : ofCompaniesOnly;
}

function twiceFault(fields: readonly FieldRule[], rule: FieldRule, index: number): Fault | undefined {
  const twice = (['customerField', 'peerField'] as const).find(
    (name) => fields.findIndex((other) => other[name] === rule[name]) !== index,
  );
  if (twice) return [twice, 'DUPLICATE', 'is mapped already'];
  const part = addressPart(rule.customerField);
  const isBeside = fields.some((other) => part && isOtherWay(part.label, other.customerField));
  if (isBeside) return ['customerField', 'DUPLICATE', besides];
  const isPart = rule.customerField.includes('.') && customKey(rule.customerField) === undefined && !part;
  const [whole] = rule.customerField.split('.');
  return isPart && fields.some(({ customerField }) => customerField === whole)
    ? ['customerField', 'DUPLICATE', 'cannot be exchanged beside the whole object']
    : undefined;
}

const besides =
  'cannot be exchanged beside the whole list, nor parts of the main address beside those of labelled ones';

/** Whether a field may belong to the same address as a part with this label, or without one. */
function isOtherWay(label: string | undefined, field: string): boolean {
  const other = addressPart(field);
  return other ? (other.label === undefined) !== (label === undefined) : field === 'addresses';
}

function transformFault(type: ExchangedType, rule: FieldRule): Fault | undefined {
  const { customerField, transform, referenceMappingId } = rule;
  if (['CONTACT_LIST', 'FIRST_OF_LIST'].includes(transform) && !isContactList(customerField)) {
    const isAddresses = transform === 'CONTACT_LIST' && customerField === 'addresses';
    if (!isAddresses)
      return ['transform', 'TRANSFORM_UNFIT', 'is for emails and phones only, or CONTACT_LIST for addresses'];
  }
  const { kind } = type.fields.get(customerField) ?? {};
  const isNaming = customerField === 'ownerId' || kind === 'SELECT' || customerField.endsWith('.countryCode');
  if ((isNaming || referenceMappingId !== undefined) && transform !== 'NONE')
    return ['transform', 'TRANSFORM_UNFIT', 'must be NONE for what names something'];
  if (transform === 'COMMA_LIST' && kind !== 'TEXT_LIST') {
    return ['transform', 'TRANSFORM_UNFIT', 'is for lists of texts only'];
  }
  return undefined;
}

function referenceFault({ type, mappings }: RuleContext, rule: FieldRule): Fault | undefined {
  const { customerField, referenceMappingId, toCustomer, toPeer } = rule;
  if (referenceMappingId === undefined) return undefined;
  const { reference } = type.fields.get(customerField) ?? {};
  if (reference === undefined) return ['referenceMappingId', 'REFERENCE_UNFIT', 'is for references to records only'];
  if (mappings.get(referenceMappingId) !== reference) {
    const description = `must be the id of a mapping of records of the type ${reference}`;
    return ['referenceMappingId', 'MAPPING_UNKNOWN', description];
  }
  if (toCustomer === undefined && toPeer === undefined) return undefined;
  return ['referenceMappingId', 'REFERENCE_UNFIT', 'and JSONata exclude each other'];
}

function expressionFault(
  { direction }: MappingContent,
  { transform, toCustomer, toPeer }: FieldRule,
): Fault | undefined {
  if (toCustomer === undefined && toPeer === undefined) return undefined;
  if (transform !== 'NONE') return ['transform', 'TRANSFORM_UNFIT', 'and JSONata exclude each other'];
  if (toCustomer === undefined && direction !== 'TO_PEER') return ['toCustomer', 'REQUIRED', 'is required with toPeer'];
  if (toPeer === undefined && direction !== 'TO_CUSTOMERS')
    return ['toPeer', 'REQUIRED', 'is required with toCustomer'];
  return undefined;
}
