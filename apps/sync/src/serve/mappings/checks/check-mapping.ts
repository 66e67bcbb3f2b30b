import { invalidArgument, type FieldViolation } from '@rapport/platform';
import type { PeerDescription, RecordType } from '../../../connectors/description.js';
import { missingFields } from '../../../exchange/mappings/check-peer-fields.js';
import type { Evaluate } from '../../../exchange/mappings/jsonata-evaluator.js';
import { customKey } from '../../../exchange/mappings/lenses/field-values.js';
import { typeFault, type ValueTypes } from '../../../exchange/mappings/lenses/value-conversion.js';
import { exchangedTypes, type ExchangedType } from '../../../exchange/mappings/records/exchanged-types.js';
import type { MappingContent } from '../mapping-content.js';
import { roundTripFault } from './check-round-trip.js';
import { mayWrite, ruleViolations, violation } from './rule-faults.js';

/** Types of fields whose values can't be compared with the time of a record of Rapport. */
const momentless: ReadonlySet<string> = new Set(['LOCAL_TIME', 'DATE', 'BOOLEAN', 'NUMBER', 'DECIMAL', 'LIST']);

/** Dependencies of the validation of a mapping. */
export interface CheckedAgainst extends Omit<ValueTypes, 'fields'> {
  description: PeerDescription;
  /** Record types of the tenant's mappings, as references name them, by mapping id. */
  mappings: ReadonlyMap<string, string>;
}

/**
 * Validates a mapping.
 *
 * @throws AppError INVALID_ARGUMENT that names each wrong field
 */
export async function checkMapping(
  content: MappingContent,
  { description: { recordTypes }, mappings, ...ofRecords }: CheckedAgainst,
  evaluate: Evaluate,
): Promise<void> {
  const { type } = ofRecords;
  const violations = [
    ...content.fields.flatMap((rule, index) => ruleViolations({ content, type, mappings }, rule, index)),
    ...policyViolations(content),
    ...requiredViolations(content, type),
    ...defaultViolations(content, type),
    ...matchViolations(content),
    ...peerViolations(content, recordTypes),
    ...typeViolations(content, recordTypes, ofRecords),
  ];
  if (violations.length > 0) throw invalidArgument(violations);
  for (const [index, rule] of content.fields.entries()) {
    if (content.direction !== 'BOTH' || rule.authority !== 'BOTH') continue;
    const fault = await roundTripFault(rule, type, evaluate);
    if (fault !== undefined) throw invalidArgument([violation(index, '', 'ROUND_TRIP_FAILED', fault)]);
  }
}

/**
 * The record type of a new mapping.
 *
 * @throws AppError INVALID_ARGUMENT for a type that cannot be exchanged, for customers without a kind, and for other
 * types with one
 */
export function checkObject(content: MappingContent): ExchangedType {
  const type = exchangedTypes.get(content.object);
  if (!type) {
    const description = `must be one of ${[...exchangedTypes.keys()].join(', ')}`;
    throw invalidArgument([{ field: 'mapping.object', reason: 'OBJECT_UNKNOWN', description }]);
  }
  const violations = kindViolations(content, type);
  if (violations.length > 0) throw invalidArgument(violations);
  return type;
}

function kindViolations({ customerKind }: MappingContent, type: ExchangedType): FieldViolation[] {
  const field = 'mapping.customerKind';
  const hasKind = type.fixed.has('kind');
  if (hasKind && customerKind === null)
    return [{ field, reason: 'REQUIRED', description: 'is required for customers' }];
  if (hasKind || customerKind === null) return [];
  return [{ field, reason: 'UNEXPECTED', description: 'is for customers only' }];
}

function policyViolations({ policy, fields, timeField }: MappingContent): FieldViolation[] {
  const isNewest = policy === 'NEWEST' || fields.some((rule) => rule.policy === 'NEWEST');
  if (!isNewest || timeField !== null) return [];
  return [{ field: 'mapping.timeField', reason: 'REQUIRED', description: 'is required for the policy NEWEST' }];
}

/** Required values of a new record of Rapport that the mapping does not provide. */
function requiredViolations(content: MappingContent, type: ExchangedType): FieldViolation[] {
  const { customerKind, fields, direction, defaults } = content;
  if (direction === 'TO_PEER') return [];
  const isGiven = (name: string) =>
    name in defaults || fields.some((rule) => rule.customerField === name && rule.authority !== 'CUSTOMER');
  if (customerKind === 'COMPANY' && !isGiven('displayName')) {
    const description = 'must have displayName: companies need one';
    return [{ field: 'mapping.fields', reason: 'NAME_MISSING', description }];
  }
  const missing = [...type.fields.values()].filter(({ name, isRequired }) => isRequired && !isGiven(name));
  if (missing.length === 0) return [];
  const names = missing.map(({ name }) => name).join(', ');
  const description = `must have ${names}, or defaults must: new ${type.object} need them`;
  return [{ field: 'mapping.fields', reason: 'REQUIRED_FIELD_MISSING', description }];
}

function defaultViolations({ defaults, fields, direction }: MappingContent, type: ExchangedType): FieldViolation[] {
  return Object.keys(defaults).flatMap((name): FieldViolation[] => {
    const field = `mapping.defaults.${name}`;
    const isKnown = type.fields.get(name)?.writable !== 'NEVER' && type.fields.has(name);
    const isOwn = type.hasCustomFields && customKey(name) !== undefined;
    if (!isKnown && !isOwn) return [{ field, reason: 'UNKNOWN_FIELD', description: unknownField(type) }];
    const isMapped = fields.some((rule) => rule.customerField === name && mayWrite(direction, rule));
    return isMapped ? [{ field, reason: 'DUPLICATE', description: 'is mapped already' }] : [];
  });
}

function unknownField({ singular }: ExchangedType): string {
  return `is no field of a ${singular} that can be exchanged`;
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
    missing.includes(peerField) ? [violation(index, 'peerField', 'UNKNOWN_FIELD', whyMissing(type, peerField))] : [],
  );
  const isTimeMissing = typeof content.timeField === 'string' && missing.includes(content.timeField);
  const timeField = type.fields.find(({ name }) => name === content.timeField);
  const { create, update } = type.capabilities;
  const isWritable = update || (create && content.direction === 'TO_PEER');
  const violations = [...ofRules];
  if (isTimeMissing) {
    violations.push({ field: 'mapping.timeField', reason: 'UNKNOWN_FIELD', description: 'is no field of the record' });
  }
  if (timeField && momentless.has(timeField.type) && timeField.timeZone === undefined) {
    const description = 'must be a time with its zone';
    violations.push({ field: 'mapping.timeField', reason: 'TIME_ZONE_MISSING', description });
  }
  if (content.direction !== 'TO_CUSTOMERS' && !isWritable) {
    const description = 'must be TO_CUSTOMERS: records are only read';
    violations.push({ field: 'mapping.direction', reason: 'NOT_WRITABLE', description });
  }
  return violations;
}

/** Pairs of fields with incompatible types. */
function typeViolations(
  { fields: rules, recordType }: MappingContent,
  recordTypes: PeerDescription['recordTypes'],
  ofRecords: Omit<ValueTypes, 'fields'>,
): FieldViolation[] {
  const { fields = [] } = recordTypes.find(({ name }) => name === recordType) ?? {};
  return rules.flatMap((rule, index) => {
    const fault = typeFault(rule, { ...ofRecords, fields });
    const isMissing = fields.some(({ name, type }) => name === rule.peerField && type === 'UNSUPPORTED');
    return fault !== undefined && !isMissing ? [violation(index, 'peerField', 'TYPE_UNFIT', fault)] : [];
  });
}

function whyMissing({ fields }: RecordType, peerField: string): string {
  const { description } = fields.find(({ name }) => name === peerField) ?? {};
  return description === undefined ? 'is no field of the record' : `cannot be exchanged: ${description}`;
}
