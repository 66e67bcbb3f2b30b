import type { RecordField } from '@rapport/contracts';
import { invalidArgument, type FieldViolation } from '@rapport/platform';
import type { RecordMessage } from '../../fields/record-definition.js';
import type { RecordType } from '../../fields/record-type.js';
import { onceFor } from '../../values/once-for.js';
import { missingOwners, type OwnerId } from './known-owners.js';

/** A value that names a user, an API key or a team. */
export interface NamedOwner extends OwnerId {
  /** Path of the value, such as `splits[0].ownerId`. */
  field: string;
}

/** What of a record is new. */
interface Given {
  /** The record as it is stored: what it names already stays, whether it still exists or not. */
  before?: RecordMessage | undefined;
  /** JSON names of the fields of the record that are written; all when absent. */
  mask?: readonly string[];
}

/**
 * The owners among the values of requests that do not exist. Only what a request itself names is checked: records that are copied,
 * merged or restored keep the owners that they had.
 */
export class UnknownOwners {
  private constructor(private readonly missing: ReadonlySet<string>) {}

  /** Asks auth about those that the process does not know yet, at once for all records. */
  static async among(type: RecordType, records: readonly RecordMessage[]): Promise<UnknownOwners> {
    const named = records.flatMap((record) => namedOwners(type, record));
    return new UnknownOwners(new Set((await missingOwners(named)).map(keyOf)));
  }

  /** Violations of a record, with paths within it. */
  violations(type: RecordType, record: RecordMessage, given?: Given): FieldViolation[] {
    if (this.missing.size === 0) return [];
    return newOwners(type, record, given)
      .filter((owner) => this.missing.has(keyOf(owner)))
      .map(violationOf);
  }

  /** @throws AppError INVALID_ARGUMENT that names each value without an owner */
  check(type: RecordType, record: RecordMessage, given?: Given): void {
    refuse(this.violations(type, record, given), `${type.singular}.`);
  }
}

/** Checks the owners that the record of a request names. @throws AppError INVALID_ARGUMENT */
export async function checkNamedOwners(type: RecordType, record: RecordMessage, given?: Given): Promise<void> {
  const named = newOwners(type, record, given);
  await checkOwners(named.map(({ field, ...owner }) => ({ ...owner, field: `${type.singular}.${field}` })));
}

/** Checks owners that a request names outside of a record. @throws AppError INVALID_ARGUMENT */
export async function checkOwners(named: readonly NamedOwner[]): Promise<void> {
  const missing = new Set((await missingOwners(named)).map(keyOf));
  refuse(named.filter((owner) => missing.has(keyOf(owner))).map(violationOf));
}

/** The fields that name owners, or have messages with such fields. */
interface NamingField {
  name: string;
  kind: OwnerId['kind'] | undefined;
  parts: readonly NamingField[];
}

const namingFields = onceFor((type: RecordType) => namingOf(type.contract.fields));

function namingOf(fields: readonly RecordField[]): NamingField[] {
  return fields.flatMap(({ name, writable, isUser, isTeam, parts }): NamingField[] => {
    if (writable === 'NEVER') return [];
    const field = { name, kind: kindOf(isUser, isTeam), parts: namingOf(parts) };
    return field.kind === undefined && field.parts.length === 0 ? [] : [field];
  });
}

function kindOf(isUser: boolean, isTeam: boolean): OwnerId['kind'] | undefined {
  if (isUser) return 'PRINCIPAL';
  return isTeam ? 'TEAM' : undefined;
}

/** The owners that a record names newly. */
function newOwners(type: RecordType, record: RecordMessage, { before, mask }: Given = {}): NamedOwner[] {
  const kept = new Set(before && namedOwners(type, before).map(keyOf));
  return namedOwners(type, record, mask).filter((owner) => !kept.has(keyOf(owner)));
}

function namedOwners(type: RecordType, record: RecordMessage, mask?: readonly string[]): NamedOwner[] {
  const fields = namingFields(type);
  return namedBy(mask ? fields.filter(({ name }) => mask.includes(name)) : fields, record, '');
}

function namedBy(fields: readonly NamingField[], message: object, path: string): NamedOwner[] {
  return fields.flatMap(({ name, kind, parts }) => {
    const value = (message as Record<string, unknown>)[name];
    const place = `${path}${name}`;
    const items = Array.isArray(value)
      ? value.map((item: unknown, index) => ({ at: `${place}[${index}]`, item }))
      : [{ at: place, item: value }];
    return items.flatMap(({ at, item }): NamedOwner[] => {
      if (typeof item === 'object' && item !== null) return namedBy(parts, item, `${at}.`);
      return kind && typeof item === 'string' && item !== '' ? [{ field: at, kind, id: item.toLowerCase() }] : [];
    });
  });
}

function violationOf({ field, kind }: NamedOwner): FieldViolation {
  return kind === 'TEAM'
    ? { field, reason: 'TEAM_NOT_FOUND', description: 'must be the id of a team' }
    : { field, reason: 'USER_NOT_FOUND', description: 'must be the id of a user or an API key' };
}

function refuse(violations: readonly FieldViolation[], path = ''): void {
  if (violations.length > 0)
    throw invalidArgument(violations.map(({ field, ...rest }) => ({ field: `${path}${field}`, ...rest })));
}

function keyOf({ kind, id }: OwnerId): string {
  return `${kind} ${id}`;
}
