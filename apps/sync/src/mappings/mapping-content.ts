import {
  DeletePolicy,
  EmptyRule,
  FieldAuthority,
  FieldTransform,
  MappingState,
  MergePolicy,
  SyncDirection,
  type FieldMapping,
  type Mapping as MappingMessage,
  type MappingNote,
} from '@rapport/contracts/rapport/sync/v1/mappings_service';
import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import { invalidArgument, type FieldViolation } from '@rapport/platform';
import type { PeerDescription, RecordType } from '../connectors/description.js';
import { addressPart } from './lenses/address-parts.js';
import { missingFields } from './check-peer-fields.js';
import { roundTripFault } from './check-round-trip.js';
import { isContactList } from './lenses/contact-list.js';
import type { FieldRule } from './field-rule.js';
import { customerFields, customKey } from './lenses/field-values.js';
import type { Evaluate } from './jsonata-evaluator.js';
import type { Mapping } from './mapping.entity.js';
import { typeFault, type ValueTypes } from './lenses/value-conversion.js';

export type MappingContent = Pick<
  Mapping,
  | 'recordType'
  | 'customerKind'
  | 'fields'
  | 'direction'
  | 'policy'
  | 'timeField'
  | 'deletePolicy'
  | 'maxDeletes'
  | 'matchFields'
  | 'externalIdSystem'
  | 'filter'
  | 'state'
>;

const defaultMaxDeletes = 20;

/** Types of fields whose values can't be compared with the time of a customer. */
const momentless: ReadonlySet<string> = new Set(['LOCAL_TIME', 'DATE', 'BOOLEAN', 'NUMBER', 'DECIMAL', 'LIST']);
const ofPeopleOnly = ['givenName', 'familyName', 'jobTitle', 'companyName', 'birthDate'];
const ofCompaniesOnly = ['domains'];

/** What a caller wants a mapping to be. */
export function mappingContent(wanted: MappingMessage): MappingContent {
  return {
    recordType: wanted.recordType,
    customerKind: wanted.customerKind === CustomerKind.COMPANY ? 'COMPANY' : 'PERSON',
    fields: wanted.fields.map(fieldRule),
    direction: named(SyncDirection, wanted.direction, 'BOTH'),
    policy: named(MergePolicy, wanted.policy, 'MANUAL'),
    timeField: wanted.timeField ?? null,
    deletePolicy: named(DeletePolicy, wanted.deletePolicy, 'PROPAGATE'),
    maxDeletes: wanted.maxDeletes || defaultMaxDeletes,
    matchFields: wanted.matchFields,
    externalIdSystem: wanted.externalIdSystem ?? null,
    filter: wanted.filter?.trim() ? wanted.filter : null,
    state: wanted.state === MappingState.PAUSED ? 'PAUSED' : 'ENABLED',
  };
}

/**
 * Whether a mapping can work.
 *
 * @throws AppError INVALID_ARGUMENT that names each wrong field
 */
export async function checkMapping(
  content: MappingContent,
  { recordTypes }: PeerDescription,
  ofCustomers: Omit<ValueTypes, 'fields'>,
  evaluate: Evaluate,
): Promise<void> {
  const violations = [
    ...content.fields.flatMap((rule, index) => ruleViolations(content, rule, index)),
    ...policyViolations(content),
    ...matchViolations(content),
    ...peerViolations(content, recordTypes),
    ...typeViolations(content, recordTypes, ofCustomers),
  ];
  if (violations.length > 0) throw invalidArgument(violations);
  for (const [index, rule] of content.fields.entries()) {
    if (content.direction !== 'BOTH' || rule.authority !== 'BOTH') continue;
    const fault = await roundTripFault(rule, evaluate);
    if (fault !== undefined) throw invalidArgument([violation(index, '', 'ROUND_TRIP_FAILED', fault)]);
  }
}

/** What a mapping that can work would do and its connection can't. */
export function mappingNotes(content: MappingContent, { recordTypes }: PeerDescription): MappingNote[] {
  const type = recordTypes.find(({ name }) => name === content.recordType);
  if (!type || type.capabilities.create || content.direction === 'TO_CUSTOMERS') return [];
  const message = `Customers without a record stay without one. ${type.createDescription ?? 'The connection creates none.'}`;
  return [{ reason: 'RECORDS_NOT_CREATED', message }];
}

function fieldRule(field: FieldMapping): FieldRule {
  const { customerField, peerField, toCustomer, toPeer, policy } = field;
  return {
    customerField,
    peerField,
    transform: named(FieldTransform, field.transform, 'NONE'),
    ...(toCustomer !== undefined && { toCustomer }),
    ...(toPeer !== undefined && { toPeer }),
    authority: named(FieldAuthority, field.authority, 'BOTH'),
    onEmpty: named(EmptyRule, field.onEmpty, 'CLEAR'),
    ...(policy !== MergePolicy.UNSPECIFIED && { policy: named(MergePolicy, policy, 'MANUAL') }),
  };
}

type Fault = [name: string, reason: string, description: string];

function ruleViolations(content: MappingContent, rule: FieldRule, index: number): FieldViolation[] {
  const fault = fieldFault(content, rule, index) ?? transformFault(rule) ?? expressionFault(content, rule);
  return fault ? [violation(index, ...fault)] : [];
}

function fieldFault({ fields, customerKind }: MappingContent, rule: FieldRule, index: number): Fault | undefined {
  const { customerField } = rule;
  const part = addressPart(customerField);
  const isKnown = customerField in customerFields || customKey(customerField) !== undefined || part !== undefined;
  if (!isKnown) return ['customerField', 'FIELD_UNKNOWN', 'is no field of a customer that can be exchanged'];
  const foreign = customerKind === 'COMPANY' ? ofPeopleOnly : ofCompaniesOnly;
  if (foreign.includes(customerField)) return ['customerField', 'FIELD_UNKNOWN', 'is none of this kind of customer'];
  const twice = (['customerField', 'peerField'] as const).find(
    (name) => fields.findIndex((other) => other[name] === rule[name]) !== index,
  );
  if (twice) return [twice, 'FIELD_TWICE', 'is mapped already'];
  const isBeside = fields.some((other) => part && isOtherWay(part.label, other.customerField));
  return isBeside ? ['customerField', 'FIELD_TWICE', besides] : undefined;
}

const besides =
  'can not be exchanged beside the whole list, nor parts of the main address beside those of labelled ones';

/** Whether a field has the same address as a part of one with this label, or none, may be of. */
function isOtherWay(label: string | undefined, field: string): boolean {
  const other = addressPart(field);
  return other ? (other.label === undefined) !== (label === undefined) : field === 'addresses';
}

function transformFault({ customerField, transform }: FieldRule): Fault | undefined {
  if (['CONTACT_LIST', 'FIRST_OF_LIST'].includes(transform) && !isContactList(customerField)) {
    const isAddresses = transform === 'CONTACT_LIST' && customerField === 'addresses';
    if (!isAddresses)
      return ['transform', 'TRANSFORM_UNFIT', 'is for emails and phones only, or CONTACT_LIST for addresses'];
  }
  const isNaming = ['ownerId', 'lifecycleStage'].includes(customerField) || customerField.endsWith('.countryCode');
  if (isNaming && transform !== 'NONE')
    return ['transform', 'TRANSFORM_UNFIT', 'must be NONE for what names something'];
  if (transform === 'COMMA_LIST' && customerFields[customerField] !== 'TEXT_LIST') {
    return ['transform', 'TRANSFORM_UNFIT', 'is for lists of texts only'];
  }
  return undefined;
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

function policyViolations({ policy, fields, timeField, customerKind, direction }: MappingContent): FieldViolation[] {
  const isNewest = policy === 'NEWEST' || fields.some((rule) => rule.policy === 'NEWEST');
  const isNamed = fields.some(({ customerField }) => customerField === 'displayName');
  return [
    ...(isNewest && timeField === null
      ? [{ field: 'mapping.timeField', reason: 'REQUIRED', description: 'is required for the policy NEWEST' }]
      : []),
    ...(customerKind === 'COMPANY' && direction !== 'TO_PEER' && !isNamed
      ? [{ field: 'mapping.fields', reason: 'NAME_MISSING', description: 'must have displayName: companies need one' }]
      : []),
  ];
}

function matchViolations({ matchFields, fields }: MappingContent): FieldViolation[] {
  const isMapped = (name: string) => fields.some(({ customerField }) => customerField === name);
  return matchFields.flatMap((name, index) =>
    isMapped(name)
      ? []
      : [{ field: `mapping.matchFields[${index}]`, reason: 'FIELD_UNMAPPED', description: 'must be one of fields' }],
  );
}

function peerViolations(content: MappingContent, recordTypes: PeerDescription['recordTypes']): FieldViolation[] {
  const type = recordTypes.find(({ name }) => name === content.recordType);
  if (!type) {
    const description = `must be one of ${recordTypes.map(({ name }) => name).join(', ')}`;
    return [{ field: 'mapping.recordType', reason: 'RECORD_TYPE_UNKNOWN', description }];
  }
  const missing = missingFields(type, content);
  const ofRules = content.fields.flatMap(({ peerField }, index) =>
    missing.includes(peerField) ? [violation(index, 'peerField', 'FIELD_UNKNOWN', whyMissing(type, peerField))] : [],
  );
  const isTimeMissing = typeof content.timeField === 'string' && missing.includes(content.timeField);
  const timeField = type.fields.find(({ name }) => name === content.timeField);
  const { create, update } = type.capabilities;
  const isWritable = update || (create && content.direction === 'TO_PEER');
  return [
    ...ofRules,
    ...(isTimeMissing
      ? [{ field: 'mapping.timeField', reason: 'FIELD_UNKNOWN', description: 'is no field of the record' }]
      : []),
    ...(timeField && momentless.has(timeField.type) && timeField.timeZone === undefined
      ? [{ field: 'mapping.timeField', reason: 'TIME_ZONE_MISSING', description: 'must be a time with its zone' }]
      : []),
    ...(content.direction !== 'TO_CUSTOMERS' && !isWritable
      ? [
          {
            field: 'mapping.direction',
            reason: 'NOT_WRITABLE',
            description: 'must be TO_CUSTOMERS: records are only read',
          },
        ]
      : []),
  ];
}

/** Fields whose values can not become each other, however they are written. */
function typeViolations(
  { fields: rules, recordType }: MappingContent,
  recordTypes: PeerDescription['recordTypes'],
  ofCustomers: Omit<ValueTypes, 'fields'>,
): FieldViolation[] {
  const { fields = [] } = recordTypes.find(({ name }) => name === recordType) ?? {};
  return rules.flatMap((rule, index) => {
    const fault = typeFault(rule, { ...ofCustomers, fields });
    const isMissing = fields.some(({ name, type }) => name === rule.peerField && type === 'UNSUPPORTED');
    return fault !== undefined && !isMissing ? [violation(index, 'peerField', 'TYPE_UNFIT', fault)] : [];
  });
}

function whyMissing({ fields }: RecordType, peerField: string): string {
  const { description } = fields.find(({ name }) => name === peerField) ?? {};
  return description === undefined ? 'is no field of the record' : `can not be exchanged: ${description}`;
}

function violation(index: number, name: string, reason: string, description: string): FieldViolation {
  return { field: [`mapping.fields[${index}]`, name].filter(Boolean).join('.'), reason, description };
}

/** The name of an enum's value; another one when it is not given. */
function named<Name extends string>(type: Readonly<Record<number, string>>, value: number, unset: Name): Name {
  return value === 0 ? unset : (type[value] as Name);
}
