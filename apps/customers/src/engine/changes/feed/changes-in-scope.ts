import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';
import type { ChangeEntry } from '../log/change-entry.js';
import type { StoredValues } from '../history/record-values.js';

/** Columns of records that are no customers themselves, which name those that they belong to. */
const customerColumns = ['customer_id', 'merged_id', 'from_customer_id', 'to_customer_id'];

/**
 * What a reader who may see the records of some owners only gets of changes: those of records that are seen now, and for a
 * customer that a change took out of sight a DELETE without values, so that the reader drops it. Of all others nothing.
 *
 * Seen now, not then: a reader that comes late is not shown what it may not see any more.
 *
 * @param em with the session of the reader
 * @param owners whose records the reader sees
 */
export async function changesInScope(
  em: EntityManager,
  entries: readonly ChangeEntry[],
  owners: readonly string[],
): Promise<ChangeEntry[]> {
  const seen = await seenRecords(em, entries);
  return entries.flatMap((entry): ChangeEntry[] => {
    if (isOfAll(entry) || seen.has(keyOf(entry.type, entry.record_id))) return [entry];
    const before = valuesBefore(entry);
    if (entry.type === 'customer') {
      const wasSeen = [before['owner_id'], before['owner_team_id']].some((id) => owners.includes(id as string));
      return wasSeen ? [{ ...entry, operation: 'DELETE', changed_fields: null, before: null, after: null }] : [];
    }
    const customerIds = customersOf(before);
    const wasSeen = customerIds.length > 0 && customerIds.every((id) => seen.has(keyOf('customer', id)));
    return entry.operation === 'DELETE' && wasSeen ? [entry] : [];
  });
}

/** Definitions are everybody's, and a gap is of no record. */
function isOfAll({ type, operation }: ChangeEntry): boolean {
  return type === 'custom_field' || operation === 'GAP';
}

function valuesBefore({ before }: ChangeEntry): StoredValues {
  return before === null ? {} : (JSON.parse(before) as StoredValues);
}

function customersOf(values: StoredValues): string[] {
  return customerColumns.flatMap((column) => (typeof values[column] === 'string' ? [values[column]] : []));
}

function keyOf(type: string, id: string): string {
  return `${type} ${id}`;
}

/** Row-level security tells which of the records, and of the customers of deleted ones, are seen. */
async function seenRecords(em: EntityManager, entries: readonly ChangeEntry[]): Promise<ReadonlySet<string>> {
  const ofRecords = entries.filter((entry) => !isOfAll(entry));
  const idsOf = (type: string) => ofRecords.filter((entry) => entry.type === type).map(({ record_id }) => record_id);
  const deleted = ofRecords.filter(({ type, operation }) => type !== 'customer' && operation === 'DELETE');
  const customerIds = [...idsOf('customer'), ...deleted.flatMap((entry) => customersOf(valuesBefore(entry)))];
  const rows = await readForTenant<{ type: string; id: string }>(em, {
    name: 'seen_records',
    sql: `select 'customer' as type, id::text from customer where id = any ($1::uuid[])
      union all select 'customer', erased.id from erasure, unnest(customer_ids) erased (id)
        where customer_ids && $1::text[]
      union all select 'association', id::text from customer_association where id = any ($2::uuid[])
      union all select 'merge', id::text from customer_merge where id = any ($3::uuid[])
      union all select 'consent', id::text from consent where id = any ($4::uuid[])
      union all select 'suppression', id::text from suppression where id = any ($5::uuid[])`,
    values: [customerIds, ...['association', 'merge', 'consent', 'suppression'].map(idsOf)],
  });
  return new Set(rows.map(({ type, id }) => keyOf(type, id)));
}
