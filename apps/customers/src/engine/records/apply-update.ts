import { invalidArgument, type FieldViolation } from '@rapport/platform';
import type { CustomFields } from '../fields/custom-fields.js';
import type { RecordChange, RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';
import { hasValue } from './update-mask.js';

/**
 * A record of a request, ready to store.
 *
 * @throws AppError INVALID_ARGUMENT that names each invalid field of the record
 */
export function checkedRecord<Message extends RecordMessage>(
  type: RecordType<Message>,
  sent: Message,
  customFields: CustomFields,
): Message {
  refuse(type, outputOnlyViolations(type, sent));
  const { record, violations } = type.definition.normalise(sent, customFields);
  refuse(type, [...violations, ...earlyViolations(type, undefined, record)]);
  return record;
}

/** Violations of fields that only the service sets, and that a request has a value for. */
export function outputOnlyViolations<Message extends RecordMessage>(
  { contract }: RecordType<Message>,
  sent: Message,
): FieldViolation[] {
  const values = sent as unknown as Record<string, unknown>;
  return contract.fields
    .filter(({ writable, name }) => writable === 'NEVER' && hasValue(values[name]))
    .map(({ name }) => ({ field: name, reason: 'OUTPUT_ONLY', description: 'is set by the service.' }));
}

/** @throws AppError for a record that no request may update */
export function updatable<Message extends RecordMessage>(
  { definition }: RecordType<Message>,
  stored: Message,
): Message {
  const error = definition.updateError?.(stored);
  if (error) throw error;
  return stored;
}

/**
 * The record after an update: the fields of `mask` as in `changes`, where absent clears, and all others unchanged. A
 * derived field follows the fields that it is derived from.
 *
 * @throws AppError INVALID_ARGUMENT that names each invalid field of the record
 */
export function applyUpdate<Message extends RecordMessage>(
  type: RecordType<Message>,
  before: Message,
  changes: Message,
  mask: readonly string[],
  customFields: CustomFields,
): Message {
  const composed = type.definition.composedFields?.(before) ?? [];
  const cleared = Object.fromEntries(composed.map((name) => [name, undefined]));
  const merged: Message = { ...before, ...cleared, ...pick(changes, mask) };
  // Of custom fields, only the named keys change; null clears one.
  if (mask.includes('customFields') && changes.customFields) {
    merged.customFields = { ...before.customFields, ...changes.customFields };
  }
  const { record, violations } = type.definition.normalise(merged, customFields, before);
  const after = { ...before, ...pick(record, [...mask, ...composed]) };
  refuse(type, [...violations, ...earlyViolations(type, before, after)]);
  return after;
}

/** Violations of type rules that need no other records: reported together with those of single fields. */
function earlyViolations<Message extends RecordMessage>(
  { definition }: RecordType<Message>,
  before: Message | undefined,
  after: Message,
): FieldViolation[] {
  if (needsOthers({ definition })) return [];
  return definition.guard?.({ before, after, needs: {}, needsBefore: {}, facts: [] }) ?? [];
}

/** Whether the rules of a type need other records than the changed one. */
export function needsOthers({ definition }: Pick<RecordType, 'definition'>): boolean {
  return definition.needs !== undefined || definition.facts !== undefined;
}

/** Violations of a change by the rules of a type that need other records. */
export function changeViolations<Message extends RecordMessage>(
  type: RecordType<Message>,
  change: RecordChange<Message>,
): FieldViolation[] {
  return needsOthers(type) ? (type.definition.guard?.(change) ?? []) : [];
}

/**
 * Refuses a change that violates the rules of a type that needs other records for them.
 *
 * @param isWaived violations that the caller overrides; none by default
 * @returns whether it had to override one
 * @throws AppError INVALID_ARGUMENT that names each invalid field of the record
 */
export function checkChange<Message extends RecordMessage>(
  type: RecordType<Message>,
  change: RecordChange<Message>,
  isWaived: (violation: FieldViolation) => boolean = () => false,
): boolean {
  const violations = changeViolations(type, change);
  const left = violations.filter((violation) => !isWaived(violation));
  refuse(type, left);
  return left.length < violations.length;
}

/** @throws AppError INVALID_ARGUMENT for violations with paths within the record */
export function refuse({ singular }: RecordType, violations: readonly FieldViolation[]): void {
  if (violations.length === 0) return;
  throw invalidArgument(violations.map(({ field, ...rest }) => ({ field: `${singular}.${field}`, ...rest })));
}

function pick<Message extends RecordMessage>(record: Message, fields: readonly string[]): Partial<Message> {
  const values = record as unknown as Record<string, unknown>;
  return Object.fromEntries(fields.map((field) => [field, values[field]])) as Partial<Message>;
}
