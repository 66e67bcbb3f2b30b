import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';
import type { ChangeEntry } from '../log/change-entry.js';
import type { NamedRecord, LoggedType, LoggedTypes } from '../log/logged-types.js';
import type { StoredValues } from '../log/stored-values.js';

/**
 * Filters changes for a reader with a narrow record scope. It retains changes of records that the reader can see now.
 * When a change gave a record to an owner outside the scope, the reader gets a DELETE without values, so that it drops
 * its copy. All other changes are omitted.
 *
 * Visibility is evaluated now, not at the time of the change.
 *
 * @param em with the session of the reader
 * @param owners whose records the reader sees
 */
export async function changesInScope(
  types: LoggedTypes,
  em: EntityManager,
  entries: readonly ChangeEntry[],
  owners: readonly string[],
): Promise<ChangeEntry[]> {
  const seen = await seenRecords(types, em, entries);
  return entries.flatMap((entry): ChangeEntry[] => {
    const type = types.get(entry.type);
    if (isOfAll(type, entry) || seen.has(keyOf({ type: entry.type, id: entry.record_id }))) return [entry];
    const before = valuesBefore(entry);
    if (type.scope.by === 'OWNER') {
      const wasSeen = [before['owner_id'], before['owner_team_id']].some((id) => owners.includes(id as string));
      return wasSeen ? [{ ...entry, operation: 'DELETE', changed_fields: null, before: null, after: null }] : [];
    }
    const records = recordsNamed(type, before);
    const isSeen = (record: NamedRecord) => isOfTenant(types.get(record.type)) || seen.has(keyOf(record));
    const wasSeen = records.length > 0 && records.every(isSeen);
    return entry.operation === 'DELETE' && wasSeen ? [entry] : [];
  });
}

/** Definitions are visible to all, and a gap concerns no record. */
function isOfAll(type: LoggedType, { operation }: ChangeEntry): boolean {
  return isOfTenant(type) || operation === 'GAP';
}

function isOfTenant({ scope }: LoggedType): boolean {
  return scope.by === 'TENANT';
}

function valuesBefore({ before }: ChangeEntry): StoredValues {
  return before === null ? {} : (JSON.parse(before) as StoredValues);
}

/** The records that own a record of a type. */
function recordsNamed({ scope }: LoggedType, values: StoredValues): readonly NamedRecord[] {
  if (scope.by !== 'RECORD') return [];
  if (typeof scope.of === 'function') return scope.of(values);
  return Object.entries(scope.of).flatMap(([column, type]) => {
    const id = values[column];
    return typeof id === 'string' ? [{ type, id }] : [];
  });
}

function keyOf({ type, id }: NamedRecord): string {
  return `${type} ${id}`;
}

/** Row-level security decides which of the records, and of the owners of deleted ones, are visible. */
async function seenRecords(
  types: LoggedTypes,
  em: EntityManager,
  entries: readonly ChangeEntry[],
): Promise<ReadonlySet<string>> {
  const named = entries.flatMap((entry): NamedRecord[] => {
    const type = types.get(entry.type);
    if (isOfAll(type, entry)) return [];
    const records = entry.operation === 'DELETE' ? recordsNamed(type, valuesBefore(entry)) : [];
    return [{ type: entry.type, id: entry.record_id }, ...records];
  });
  const scoped = types.types.filter(({ scope }) => scope.by !== 'TENANT');
  const rows = await readForTenant<NamedRecord>(em, {
    name: `seen_records_of_${scoped.length}`,
    sql: scoped.map((type, index) => seenOf(type, `$${index + 1}`)).join(' union all '),
    values: scoped.map(({ name }) => named.filter(({ type }) => type === name).map(({ id }) => id)),
  });
  return new Set(rows.map(keyOf));
}

function seenOf({ name, table, tableBeside, scope }: LoggedType, ids: string): string {
  const seen = [table, ...(tableBeside === undefined ? [] : [tableBeside])]
    .map((from) => `select '${name}' as type, id::text from ${from} where id = any (${ids}::uuid[])`)
    .join(' union all ');
  if (scope.by !== 'OWNER' || !scope.alsoSeen) return seen;
  return `${seen} union all select '${name}', also.id from (${scope.alsoSeen(ids)}) also (id)`;
}
