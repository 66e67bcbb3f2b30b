/** What the change log has of a table. Columns that are in no list are derived: a change of them alone is none. */
export interface LoggedTable {
  table: string;
  /** Type of the records. */
  type: string;
  /** The column that names a record. */
  key: string;
  /** SQL of the record's version, of the row \`$\`. */
  version: string;
  /** Columns whose changes are logged. */
  content: readonly string[];
  /** Columns that change with every change: stored, but not listed as changed. */
  bookkeeping: readonly string[];
  /** Counters that are stored with a whole record: a change of them alone is none. */
  counters?: readonly string[];
  /** Columns that every update logs with their values, even when they did not change. */
  always?: readonly string[];
  /** SQL of what is logged of a column in place of its value, of the row `$`: values that are one there are no change. */
  logged?: Readonly<Record<string, string>>;
}

/** The tables of the migration `create-change-log` whose changes are logged. */
export const loggedTables: readonly LoggedTable[] = [
  {
    table: 'customer',
    type: 'customer',
    key: 'id',
    version: '$.version',
    content: [
      ...['kind', 'display_name', 'given_name', 'family_name', 'job_title', 'company_name', 'company_id'],
      ...[
        'emails',
        'phones',
        'addresses',
        'external_ids',
        'domains',
        'tags',
        'lifecycle_stage',
        'lifecycle_stage_time',
      ],
      ...['owner_id', 'source', 'birth_date', 'custom_fields', 'delete_time', 'merged_into_id'],
    ],
    bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
  },
  {
    table: 'customer_association',
    type: 'association',
    key: 'id',
    version: '$.version',
    content: ['from_customer_id', 'type', 'to_customer_id', 'role', 'labels'],
    bookkeeping: ['version', 'create_time', 'update_time'],
  },
  {
    table: 'custom_field',
    type: 'custom_field',
    key: 'key',
    version: '$.version',
    content: ['type', 'kind', 'display_name', 'description', 'options', 'searchable', 'delete_time'],
    bookkeeping: ['version', 'create_time', 'update_time'],
  },
  {
    table: 'customer_merge',
    type: 'merge',
    key: 'id',
    // It is made, and once undone.
    version: 'case when $.undo_time is null then 1 else 2 end',
    content: ['customer_id', 'merged_id', 'undo_time', 'undone_by'],
    bookkeeping: ['create_time', 'created_by'],
  },
];

/**
 * SQL of the triggers of a table: for each statement one INSERT into the outbox, of any writer, COPY included. The columns
 * are spelled out, because to compare and write them so takes a third of the time of comparing two objects of JSON.
 */
export function triggersOf(logged: LoggedTable): string {
  const { table, key, type } = logged;
  const whole = (row: string) => `(select row_to_json(r) from (select ${allColumns(logged, row)}) r)`;
  return `
    ${triggerFunction(
      logged,
      'insert',
      `
      ${insertInto(logged, 'n', { operation: `'CREATE'`, changes: `null, null, ${whole('n')}` })}
      from new_row n, ${call}`,
    )}
    -- Plans are kept, and one made for a single row must not meet a thousand by a nested loop.
    ${triggerFunction(
      logged,
      'update',
      `
      ${insertInto(logged, 'n', {
        operation: operationOf(logged),
        changes: `array_remove(array[${changed(logged, logged.content, (column) => `'${column}'`)}], null),
        ('{' || ${withAlways(logged, 'was', 'o')} || '}')::json, ${afterOf(logged, whole('n'))}`,
      })}
      from old_row o join new_row n on n.tenant_id = o.tenant_id and n.${key} = o.${key}, ${call}, lateral (
        select concat_ws(',', ${values(logged, 'o')}) as was, concat_ws(',', ${values(logged, 'n')}) as became offset 0
      ) change
      where was <> ''`,
      'set enable_nestloop = off',
    )}
    ${triggerFunction(
      logged,
      'delete',
      `
      ${insertInto(logged, 'o', { operation: `'DELETE'`, changes: `null, ${whole('o')}, null`, versionOffset: ' + 1' })}
      from old_row o, ${call}`,
    )}
    create trigger log_insert after insert on ${table}
      referencing new table as new_row for each statement execute function log_${table}_insert();
    create trigger log_update after update on ${table}
      referencing old table as old_row new table as new_row for each statement execute function log_${table}_update();
    create trigger log_delete after delete on ${table}
      referencing old table as old_row for each statement execute function log_${table}_delete();
    -- What can't be told record by record: rows that went all at once, and rows that got another name.
    create trigger log_truncate after truncate on ${table} for each statement execute function log_gap('${type}');
    create trigger log_rename after update of tenant_id, ${key} on ${table}
      for each statement execute function log_gap('${type}');
  `;
}

/** Who makes the change, and why: evaluated once for a statement. */
const call = `(select nullif(current_setting('app.call', true), '')::json as call offset 0) calling`;

function triggerFunction({ table }: LoggedTable, event: string, statement: string, settings = ''): string {
  return `create function log_${table}_${event}() returns trigger
      language plpgsql security definer set search_path = public, pg_temp ${settings} as $$
    begin${statement};
      return null;
    end $$;`;
}

function insertInto(
  { key, type, version }: LoggedTable,
  row: string,
  { operation, changes, versionOffset = '' }: { operation: string; changes: string; versionOffset?: string },
): string {
  // Not the time when the transaction began: changes of one record have times in their order.
  return `insert into outbox (tenant_id, record_id, type, version, operation, time, changed_fields, before, after,
        actor, origin, request_id, causation_id, hop)
      select ${row}.tenant_id, ${row}.${key}, '${type}', ${version.replaceAll('$', row)}${versionOffset}, ${operation},
        clock_timestamp(), ${changes}, coalesce(call ->> 'actor', 'database:' || session_user),
        coalesce(call ->> 'origin', 'sql'), call ->> 'requestId', call ->> 'causationId',
        coalesce((call ->> 'hop')::int, 0)`;
}

function allColumns(table: LoggedTable, row: string): string {
  const { key, content, bookkeeping, counters = [], logged = {} } = table;
  return [key, ...content, ...bookkeeping, ...counters]
    .map((column) => (logged[column] ? `${valueOf(table, column, row)} as ${column}` : `${row}.${column}`))
    .join(', ');
}

function valueOf({ logged = {} }: LoggedTable, column: string, row: string): string {
  return logged[column]?.replaceAll('$', row) ?? `${row}.${column}`;
}

/** Members of a JSON object for the columns that changed; null for the others. */
function values(table: LoggedTable, row: string): string {
  const member = (column: string) =>
    `'"${column}":' || coalesce(to_json(${valueOf(table, column, row)})::text, 'null')`;
  return changed(table, [...table.content, ...table.bookkeeping], member);
}

function changed(table: LoggedTable, columns: readonly string[], then: (column: string) => string): string {
  const differs = (column: string) => `${valueOf(table, column, 'o')} is distinct from ${valueOf(table, column, 'n')}`;
  return columns.map((column) => `case when ${differs(column)} then ${then(column)} end`).join(', ');
}

/** Who knows the live records only needs all of one that comes back. */
function afterOf(logged: LoggedTable, whole: string): string {
  const { content } = logged;
  const changedOnly = `('{' || ${withAlways(logged, 'became', 'n')} || '}')::json`;
  if (!content.includes('delete_time')) return changedOnly;
  return `case when o.delete_time is not null and n.delete_time is null then ${whole} else ${changedOnly} end`;
}

/** Members for the changed columns, and for those that are always logged. */
function withAlways({ always = [] }: LoggedTable, members: string, row: string): string {
  if (always.length === 0) return members;
  const unchanged = always.map(
    (column) =>
      `case when o.${column} is not distinct from n.${column} then '"${column}":' || to_json(${row}.${column})::text end`,
  );
  return `concat_ws(',', ${members}, ${unchanged.join(', ')})`;
}

function operationOf({ content }: LoggedTable): string {
  if (!content.includes('delete_time')) return `'UPDATE'`;
  const isMerge = content.includes('merged_into_id')
    ? 'n.merged_into_id is not null and o.merged_into_id is null'
    : 'false';
  return `case
        when o.delete_time is null and n.delete_time is not null then case when ${isMerge} then 'MERGE' else 'DELETE' end
        when o.delete_time is not null and n.delete_time is null then 'UNDELETE'
        else 'UPDATE' end`;
}
