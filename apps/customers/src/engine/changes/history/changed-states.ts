import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';
import type { RecordType } from '../../fields/record-type.js';
import type { Operation } from '../log/change-entry.js';
import type { StoredValues } from '../log/stored-values.js';

/** Most reverted changes of a record, newest first. */
const maxChanges = 1_000;

/**
 * A record right before and after a change, with encrypted values unchanged. Absent while it did not exist or was
 * deleted.
 */
export interface ChangedState {
  time: Date;
  before: StoredValues | undefined;
  after: StoredValues | undefined;
}

interface Row {
  record_id: string;
  current: StoredValues | null;
  id: string | null;
  operation: Operation;
  time_ms: number;
  before: StoredValues | null;
}

/**
 * Reconstructs records right before and after changes: takes the current records and reverts their changes, newest
 * first.
 *
 * @param em with the session of the tenant
 * @returns by the ids of the changes; without those whose state is no longer known
 */
export async function changedStates(
  em: EntityManager,
  { table }: RecordType,
  tenantId: string,
  changes: readonly { id: string; recordId: string; time?: string | undefined }[],
): Promise<Map<string, ChangedState>> {
  const since = new Map<string, string>();
  for (const { recordId, time = '' } of changes) {
    const earliest = since.get(recordId);
    if (earliest === undefined || time < earliest) since.set(recordId, time);
  }
  // One statement, so that rows and changes are from one moment.
  const rows = await readForTenant<Row>(em, {
    name: `${table}_changed_states`,
    sql: `select wanted.record_id, case when place is null or place = 1 then row_to_json(${table}) end as current, change.id,
          change.operation, (extract(epoch from change.time) * 1000)::double precision as time_ms, change.before
        from unnest($2::uuid[], $3::timestamptz[]) as wanted (record_id, since)
        left join ${table} on ${table}.tenant_id = $1 and ${table}.id = wanted.record_id
        left join lateral changes_of_record('${table}', wanted.record_id::text, wanted.since, ${maxChanges}) with ordinality
          as change (id, operation, time, before, place) on true
        order by wanted.record_id, place`,
    values: [tenantId, [...since.keys()], [...since.values()]],
  });
  const wanted = new Set(changes.map(({ id }) => id));
  const states = new Map<string, ChangedState>();
  for (const own of Map.groupBy(rows, (row) => row.record_id).values()) addStates(states, own, wanted);
  return states;
}

/** @param rows of one record, newest change first */
function addStates(states: Map<string, ChangedState>, rows: readonly Row[], wanted: ReadonlySet<string>): void {
  let values = rows[0]?.current ?? undefined;
  for (const { id, operation, time_ms: timeMs, before } of rows) {
    // Its earlier state is no longer known.
    if (id === null || (before && Object.hasOwn(before, 'erased'))) return;
    const after = values;
    if (operation === 'CREATE') values = undefined;
    else if (before) values = { ...values, ...before };
    if (wanted.has(id)) states.set(id, { time: new Date(timeMs), before: present(values), after: present(after) });
  }
}

/** Types without the field are never deleted. */
function present(values: StoredValues | undefined): StoredValues | undefined {
  return (values?.['delete_time'] ?? null) === null ? values : undefined;
}
