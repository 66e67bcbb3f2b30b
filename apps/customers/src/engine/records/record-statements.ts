import type { Statement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { CustomFields } from '../fields/custom-fields.js';
import type { RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';
import { onceFor } from '../values/once-for.js';
import { recordColumns, storedColumns, textLists, type RecordColumns } from './record-content.js';
import { idReader, rowReader, rowVersion, shownColumns } from './record-rows.js';

/** The statements of a type. Created once: each call compares their text with that of the prepared statement. */
const textsOf = onceFor((type: RecordType) => {
  const { table, contract } = type;
  const shown = shownColumns(type);
  const ofParent = contract.parent === undefined ? '' : ` and ($3::text is null or ${contract.parent} = $3)`;
  const all = storedColumns(type);
  const columns = all.join(', ');
  const changed = all.filter((column) => !['id', 'create_time', 'created_by', ...unchanged(type)].includes(column));
  return {
    liveWithVersion: `select ${shown}, ${rowVersion(type)} as row_version from ${table}
      where tenant_id = $1 and id = $2 and delete_time is null${ofParent}`,
    liveVersion: `select id, ${rowVersion(type)} as row_version from ${table}
      where tenant_id = $1 and id = $2 and delete_time is null${ofParent}`,
    live: `select ${shown} from ${table} where tenant_id = $1 and id = $2 and delete_time is null${ofParent}`,
    // The ids are one text, since PostgreSQL would choose a new plan for each call if it knew their number. LIMIT makes
    // it look up each record by its key, whatever number of ids it estimates.
    liveOfMany: `select found.* from string_to_table($2, ',') as wanted (id) cross join lateral (
        select ${shown} from ${table} where tenant_id = $1 and ${table}.id = wanted.id::uuid and delete_time is null${ofParent} limit 1
      ) found`,
    known: `select from ${table} where tenant_id = $1 and id = $2${ofParent}`,
    lock: `select ${shown} from ${table} where tenant_id = $1 and id = $2${ofParent} for update`,
    lockMany: `select ${shown} from ${table} where tenant_id = $1 and id = any ($2::uuid[])${ofParent} order by id for update`,
    insert: `insert into ${table} (tenant_id, ${columns})
  values ($1, ${all.map((_, index) => `$${index + 2}`).join(', ')})`,
    insertMany: `insert into ${table} (tenant_id, ${columns})
      select $1, ${columns} from jsonb_populate_recordset(null::${table}, $2)`,
    changed,
    update: `update ${table} set ${changed.map((column, index) => `${column} = $${index + 3}`).join(', ')}
      where tenant_id = $1 and id = $2`,
    updateMany: `update ${table} set ${changed.map((column) => `${column} = changed.${column}`).join(', ')}
      from jsonb_populate_recordset(null::${table}, $2) as changed
      where ${table}.tenant_id = $1 and ${table}.id = changed.id`,
  };
});

/** Columns that only merges of customers change. */
function unchanged({ contract }: RecordType): string[] {
  return contract.type === 'rapport/Customer' ? ['merged_into_id'] : [];
}

/** Reads live records, in any order. The rows are `StoredRecord`. */
export function liveRecords(type: RecordType, ids: readonly string[]): Statement {
  const [id, ...others] = ids;
  const { live, liveOfMany } = textsOf(type);
  const { tenantId } = currentCaller();
  const row = rowReader(type);
  if (id !== undefined && others.length === 0) {
    return { name: `live_${type.table}`, sql: live, values: [tenantId, id, ...parentOf(type)], isQuick: true, row };
  }
  return { name: `live_${type.table}s`, sql: liveOfMany, values: [tenantId, ids.join(','), ...parentOf(type)], row };
}

/**
 * Reads a live record and, as the first additional column, the version of its row.
 *
 * @param isWhole false: only the id and the version
 */
export function liveRecordWithVersion(type: RecordType, id: string, isWhole: boolean): Statement {
  const { liveWithVersion, liveVersion } = textsOf(type);
  const values = [currentCaller().tenantId, id, ...parentOf(type)];
  const name = `live_${type.table}_${isWhole ? 'with_version' : 'version'}`;
  const row = isWhole ? rowReader(type) : idReader;
  return { name, sql: isWhole ? liveWithVersion : liveVersion, values, isQuick: true, row };
}

/** A row without columns when the record exists, live or deleted. */
export function knownRecord(type: RecordType, id: string): Statement {
  return {
    name: `known_${type.table}`,
    sql: textsOf(type).known,
    values: [currentCaller().tenantId, id, ...parentOf(type)],
  };
}

/** The parent of the records, null for all; nothing for a type without parents. */
function parentOf({ contract, parentKey }: RecordType): (string | null)[] {
  return contract.parent === undefined ? [] : [parentKey ?? null];
}

/**
 * Reads records, live or deleted, and locks them in the order of their ids, so that two writers can't deadlock. The
 * rows are `StoredRecord`.
 */
export function lockRecords(type: RecordType, ids: readonly string[]): Statement {
  const [id, ...others] = new Set(ids);
  const { lock, lockMany } = textsOf(type);
  const { tenantId } = currentCaller();
  const row = rowReader(type);
  if (id !== undefined && others.length === 0) {
    return { name: `lock_${type.table}`, sql: lock, values: [tenantId, id, ...parentOf(type)], row };
  }
  return { name: `lock_${type.table}s`, sql: lockMany, values: [tenantId, [...new Set(ids)], ...parentOf(type)], row };
}

/**
 * Stores new records.
 *
 * @param records in their response form, normalized
 */
export function insertRecords<Message extends RecordMessage>(
  type: RecordType<Message>,
  records: readonly Message[],
  customFields: CustomFields,
): Statement {
  const [only, ...others] = records;
  if (only && others.length === 0) return insertRecord(type, only, customFields);
  return insertRows(
    type,
    records.map((record) => recordRow(type, record, customFields)),
  );
}

/** A fast path for one record: PostgreSQL reads separate parameters in a tenth of the time of a JSON object. */
function insertRecord<Message extends RecordMessage>(
  type: RecordType<Message>,
  record: Message,
  customFields: CustomFields,
): Statement {
  const values = valuesOf(type, recordColumns(type, record, customFields), storedColumns(type));
  return {
    name: `insert_${type.table}`,
    sql: textsOf(type).insert,
    values: [currentCaller().tenantId, ...values],
  };
}

/** The same for one changed record. */
function updateRecord<Message extends RecordMessage>(
  type: RecordType<Message>,
  record: Message,
  customFields: CustomFields,
): Statement {
  const { update, changed } = textsOf(type);
  const values = valuesOf(type, recordColumns(type, record, customFields), changed);
  return { name: `update_${type.table}`, sql: update, values: [currentCaller().tenantId, record.id, ...values] };
}

/** The values of columns as parameters. pg converts a list to a PostgreSQL array, and any other object to JSON. */
function valuesOf(type: RecordType, columns: RecordColumns, names: readonly string[]): unknown[] {
  const lists = textLists(type);
  return names.map((name) => {
    const value = columns[name];
    return Array.isArray(value) && !lists.has(name) ? JSON.stringify(value) : value;
  });
}

/** Stores changed records, which are locked. */
export function updateRecords<Message extends RecordMessage>(
  type: RecordType<Message>,
  records: readonly Message[],
  customFields: CustomFields,
): Statement {
  const [only, ...others] = records;
  if (only && others.length === 0) return updateRecord(type, only, customFields);
  return updateRows(
    type,
    records.map((record) => recordRow(type, record, customFields)),
  );
}

/**
 * `insertRecords` for rows of `recordRow`. One statement for any number, since COPY does not support tables with
 * row-level security.
 */
export function insertRows(type: RecordType, rows: readonly string[]): Statement {
  return {
    name: `insert_${type.table}s`,
    sql: textsOf(type).insertMany,
    values: [currentCaller().tenantId, `[${rows.join(',')}]`],
  };
}

/** `updateRecords` for rows of `recordRow`. */
export function updateRows(type: RecordType, rows: readonly string[]): Statement {
  return {
    name: `update_${type.table}s`,
    sql: textsOf(type).updateMany,
    values: [currentCaller().tenantId, `[${rows.join(',')}]`],
  };
}

/** The columns of a record by name, as JSON. */
export function recordRow<Message extends RecordMessage>(
  type: RecordType<Message>,
  record: Message,
  customFields: CustomFields,
): string {
  return JSON.stringify(recordColumns(type, record, customFields));
}
