import type { EntityManager } from '@mikro-orm/postgresql';
import type { Association as AssociationMessage } from '@rapport/contracts/rapport/customers/v1/associations_service';
import { invalidArgument, type FieldViolation } from '@rapport/platform';
import { namedRecord, type NamedRecord } from '../../engine/fields/record-names.js';
import { recordTypes } from '../../engine/fields/record-type.js';
import { LinkedRecords, type Link } from '../../engine/records/references.js';
import { customerType } from '../../engine/records/customers/customer-type.js';

/** A record that a request links, and the field that names it. */
export interface WantedEnd extends NamedRecord {
  /** Path of the field in the request. */
  field: string;
}

/** @throws AppError INVALID_ARGUMENT that names each field that names no record, or when both name the same */
export function wantedEnds(association: AssociationMessage): { from: WantedEnd; to: WantedEnd } {
  const from = wantedEnd({ idField: 'fromCustomerId', nameField: 'from' }, association);
  const to = wantedEnd({ idField: 'toCustomerId', nameField: 'to' }, association);
  if ('type' in from && 'type' in to) {
    if (from.type !== to.type || from.id !== to.id) return { from, to };
    const first = from.field.replace('association.', '');
    const description = `must be another ${to.type.singular} than ${first}`;
    throw invalidArgument([{ field: to.field, reason: 'SELF_LINK', description }]);
  }
  throw invalidArgument([from, to].flatMap((end) => ('type' in end ? [] : [end])));
}

function wantedEnd(
  { idField, nameField }: { idField: 'fromCustomerId' | 'toCustomerId'; nameField: 'from' | 'to' },
  { [idField]: customerId, [nameField]: name }: AssociationMessage,
): WantedEnd | FieldViolation {
  const field = `association.${name === undefined ? idField : nameField}`;
  if (name === undefined) {
    if (customerId !== undefined) return { type: customerType(), id: customerId.toLowerCase(), field };
    return { field, reason: 'REQUIRED', description: `is required, or ${nameField}` };
  }
  const record = namedRecord(name);
  if (!record) return unknownType(field);
  if (customerId === undefined || (record.type === customerType() && record.id === customerId.toLowerCase()))
    return { ...record, field };
  return { field, reason: 'OTHER_RECORD', description: `must name the customer that ${idField} has, or be left out` };
}

/** The violation of a resource name of an unknown type. */
export function unknownType(field: string): FieldViolation {
  const plurals = [...recordTypes()].map(({ plural }) => plural);
  return { field, reason: 'RECORD_TYPE_UNKNOWN', description: `must begin with one of ${plurals.join(', ')}` };
}

/**
 * Locks both records live until the transaction ends, in the order in which all writers lock rows: by type, then id. A
 * merge of one of them waits.
 *
 * @throws AppError INVALID_ARGUMENT that names each record that is not live
 */
export async function lockEnds(em: EntityManager, wanted: readonly WantedEnd[]): Promise<void> {
  const types = new Set(wanted.map(({ type }) => type));
  const ordered = [...types].sort((one, other) => (one.contract.type < other.contract.type ? -1 : 1));
  const missing: FieldViolation[] = [];
  for (const type of ordered) {
    const links = wanted
      .filter((end) => end.type === type)
      .map(({ field, id }): Link => ({
        ...{ field, target: type.contract.type, id, rule: undefined, isKept: false },
        ...{
          reason: `${type.constant}_NOT_FOUND`,
          description: `must be the ${lastWord(field)} of a live ${type.singular}`,
        },
      }));
    const locked = await new LinkedRecords().lock(em, links);
    missing.push(...locked.violations(links));
  }
  if (missing.length === 0) return;
  const fields = wanted.map(({ field }) => field);
  throw invalidArgument(missing.toSorted((one, other) => fields.indexOf(one.field) - fields.indexOf(other.field)));
}

function lastWord(field: string): string {
  return field.endsWith('Id') ? 'id' : 'name';
}
