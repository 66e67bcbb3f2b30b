import type { RecordField } from '@rapport/contracts';
import { invalidArgument, type FieldViolation } from '@rapport/platform';
import type { RecordMessage } from '../../fields/record-definition.js';
import type { RecordType } from '../../fields/record-type.js';
import { onceFor } from '../../values/once-for.js';
import { valuesAt } from '../links/values-at.js';
import { mentionedIn } from '../notices.js';
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
    const named = records.flatMap((record) => [...namedOwners(type, record), ...mentionedUsers(type, record)]);
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
  await checkOwners(
    named.map(({ field, ...owner }) => ({ ...owner, field: `${type.singular}.${field}` })),
    mentionedUsers(type, record),
  );
}

/**
 * Checks owners that a request names outside of a record.
 *
 * @param mentioned users, who need not exist: those who do not are not notified
 * @throws AppError INVALID_ARGUMENT
 */
export async function checkOwners(named: readonly NamedOwner[], mentioned: readonly OwnerId[] = []): Promise<void> {
  const missing = new Set((await missingOwners([...named, ...mentioned])).map(keyOf));
  refuse(named.filter((owner) => missing.has(keyOf(owner))).map(violationOf));
}

/** A field that names owners. */
interface NamingField {
  /** JSON names, such as `splits` and `ownerId`. */
  path: readonly string[];
  kind: OwnerId['kind'];
}

const namingFields = onceFor((type: RecordType) => namingIn(type.contract.fields, []));

function namingIn(fields: readonly RecordField[], within: readonly string[]): NamingField[] {
  return fields.flatMap(({ name, writable, isUser, isTeam, parts }): NamingField[] => {
    if (writable === 'NEVER') return [];
    const path = [...within, name];
    return isUser || isTeam ? [{ path, kind: isTeam ? 'TEAM' : 'PRINCIPAL' }] : namingIn(parts, path);
  });
}

/** The owners that a record names newly. */
function newOwners(type: RecordType, record: RecordMessage, { before, mask }: Given = {}): NamedOwner[] {
  const kept = new Set(before && namedOwners(type, before).map(keyOf));
  return namedOwners(type, record, mask).filter((owner) => !kept.has(keyOf(owner)));
}

function namedOwners(type: RecordType, record: RecordMessage, mask?: readonly string[]): NamedOwner[] {
  return namingFields(type).flatMap(({ path, kind }) => {
    const [name = ''] = path;
    if (mask?.includes(name) === false) return [];
    return valuesAt(record, path).map(({ field, id }) => ({ field, kind, id: id.toLowerCase() }));
  });
}

/** The users that the texts of a record mention. */
function mentionedUsers({ definition }: RecordType, record: RecordMessage): OwnerId[] {
  const texts = record as unknown as Record<string, string | undefined>;
  return (definition.mentionsIn ?? []).flatMap((field) => usersIn(texts[field] ?? ''));
}

/** The users that a text mentions. */
export function usersIn(text: string): OwnerId[] {
  return mentionedIn(text).map((id) => ({ kind: 'PRINCIPAL', id }));
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
