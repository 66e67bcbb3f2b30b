import { recordContracts, snakeCase, type Contract, type RecordContract, type RecordField } from '@rapport/contracts';
import { tenantIsolation } from '@rapport/persistence';
import { ofOwners } from '../src/engine/records/scope/scope-conditions.ts';
import { sealedOnly } from '../src/engine/sealing/sealed-only.ts';
import { recordColumns, recordOrders, uniqueTypes, type RecordColumn } from './record-columns.ts';

/** @returns the name of a record type's table, such as `deal` */
export function tableOf({ singular }: Pick<RecordContract, 'singular'>): string {
  return snakeCase(singular);
}

/** SQL that creates the table of a record type, and its tables of unique values and of order values. */
export function createTables(contract: Contract, record: RecordContract): string {
  const table = tableOf(record);
  const columns = recordColumns(contract, record);
  const lines = [
    ...columns.map(columnSql),
    'primary key (tenant_id, id)',
    ...references(contract, record).map(
      ({ column, name, target }) =>
        `constraint ${table}_${name} foreign key (tenant_id, ${column}) references ${target} (tenant_id, id)`,
    ),
  ];
  return [
    tableSql(table, lines),
    statisticsSql(table, columns),
    ...indexes(contract, record),
    ...policies(record),
    ...keyTable(record),
    ...(record.options.customFields ? orderValueTable(table) : []),
    `create trigger end_associations after delete on ${table}
  referencing old table as old_row for each statement execute function end_associations();`,
  ].join('\n\n');
}

function tableSql(table: string, lines: readonly string[]): string {
  return `create table ${table} (\n  ${lines.join(',\n  ')}\n);`;
}

/** SQL of a column in the definition of its table. */
export function columnSql({ name, type, notNull, defaultValue, names }: RecordColumn): string {
  const check = names && `check (${name} in (${names.map((each) => `'${each}'`).join(', ')}))`;
  const parts = [name, type, notNull && 'not null', defaultValue !== undefined && `default ${defaultValue}`, check];
  return parts.filter((part) => part).join(' ');
}

/** Disables statistics for columns that no plan depends on. Collecting them would take most of the time of ANALYZE. */
export function statisticsSql(table: string, columns: readonly RecordColumn[]): string {
  const shown = columns.filter(({ planned }) => !planned);
  return `alter table ${table}\n  ${shown.map(({ name }) => `alter column ${name} set statistics 0`).join(',\n  ')};`;
}

/** The references to records in this database, and the tables of their targets. */
function references(contract: Contract, { fields }: RecordContract) {
  const tables = new Map(recordContracts(contract).map((each) => [each.type, tableOf(each)]));
  return fields.flatMap((field) => {
    const target = tables.get(field.reference ?? '');
    return target === undefined ? [] : [{ column: field.column, name: referenceName(field), target }];
  });
}

function referenceName({ column }: RecordField): string {
  return column.replace(/_id$/, '');
}

function indexes(contract: Contract, record: RecordContract): string[] {
  const table = tableOf(record);
  // Clusters the records of one parent.
  const of = record.parent === undefined ? 'tenant_id' : `tenant_id, ${record.parent}`;
  const columns = new Map(recordColumns(contract, record).map((column) => [column.name, column]));
  const isDeletable = columns.has('delete_time');
  const live = isDeletable ? ' where delete_time is null' : '';
  const orders = recordOrders(contract, record).flatMap(({ field, column, ofLive, ofDeleted }) => {
    // Columns that row-level security reads, so that counts can use an index-only scan.
    const include = record.options.owned && field === 'create_time' ? ' include (owner_id, owner_team_id)' : '';
    const index = (state: string, where: string) =>
      `create index ${table}_${state}_by_${field} on ${table} (${of}, ${column}, id)${where};`;
    return [
      ...(ofLive ? [index('live', include + live)] : []),
      ...(ofDeleted && isDeletable ? [index('deleted', ' where delete_time is not null')] : []),
    ];
  });
  // A short pending list, since the call that fills it has to flush it.
  const gin = (name: string, column: string, where = live) =>
    `create index ${table}_${name} on ${table} using gin (tenant_id, ${column}) with (gin_pending_list_limit = 256)${where};`;
  // Merges and erasures also find deleted records by their list of references.
  const isFoundWhenDeleted = record.fields.some(({ relatedTypes }) => relatedTypes);
  return [
    ...orders,
    ...(record.parent === undefined ? [] : ofAllParents(table, of, live)),
    ...references(contract, record).map(({ column, name }) => {
      const where = columns.get(column)?.notNull ? '' : ` where ${column} is not null`;
      return `create index ${table}_by_${name} on ${table} (tenant_id, ${column})${where};`;
    }),
    ...(columns.has('terms') ? [gin('terms', 'terms')] : []),
    ...(isFoundWhenDeleted ? [gin('deleted_terms', 'terms', ' where delete_time is not null')] : []),
    ...(columns.has('search_text') ? [gin('search', 'search_text gin_trgm_ops')] : []),
    `create index ${table}_by_index_version on ${table} (index_version);`,
  ];
}

/** Indexes for scanning the records of one parent by id, and those of all parents by update time, as a search does. */
function ofAllParents(table: string, of: string, live: string): string[] {
  return [
    `create index ${table}_live_by_id on ${table} (${of}, id)${live};`,
    `create index ${table}_live_by_update_time_of_all on ${table} (tenant_id, update_time, id)${live};`,
  ];
}

function policies(record: RecordContract): string[] {
  const table = tableOf(record);
  const restrict = (name: string, using: string, check: string) =>
    `create policy ${name} on ${table} as restrictive\n  using (${using})\n  with check (${check});`;
  const { name, using, check } = sealedOnly('sealed');
  return [
    isolation(table),
    ...(record.options.owned ? [restrict('record_scope', ofOwners, ofOwners)] : []),
    ...(record.fields.some(hasPersonalData) ? [restrict(name, using, check)] : []),
  ];
}

function hasPersonalData({ isPersonal, parts }: RecordField): boolean {
  return isPersonal || parts.some(hasPersonalData);
}

function isolation(table: string): string {
  const created = tenantIsolation.policies.map(
    ({ name, using, check }) => `create policy ${name} on ${table}\n  using (${using})\n  with check (${check});`,
  );
  return [
    `alter table ${table} enable row level security;`,
    `alter table ${table} force row level security;`,
    ...created,
  ].join('\n');
}

/** The unique values of live records. */
function keyTable(record: RecordContract): string[] {
  const types = uniqueTypes(record);
  if (types.length === 0) return [];
  const table = tableOf(record);
  return [
    tableSql(`${table}_key`, [
      'tenant_id uuid not null',
      `type text not null check (type in (${types.map((type) => `'${type}'`).join(', ')}))`,
      'value text collate "C" not null',
      `${table}_id uuid not null`,
      'primary key (tenant_id, type, value)',
      // An upsert claims a value before it inserts the record.
      `constraint ${table}_key_${table} foreign key (tenant_id, ${table}_id) references ${table} (tenant_id, id)
    deferrable initially immediate`,
    ]),
    `create index ${table}_key_by_${table} on ${table}_key (tenant_id, ${table}_id);`,
    isolation(`${table}_key`),
  ];
}

/** The values of custom fields of live records that have an order, maintained by triggers for every write, COPY included. */
function orderValueTable(table: string): string[] {
  const stored = `${table}_order_value`;
  const insert = `insert into ${stored} (tenant_id, field, value, ${table}_id)
    select new.tenant_id, entry.key, entry.value, new.id from jsonb_each_text(new.order_values) entry;`;
  const isOld = `(stored.tenant_id, stored.field, stored.value, stored.${table}_id)`;
  return [
    tableSql(stored, [
      'tenant_id uuid not null',
      'field text not null',
      'value text collate "C" not null',
      `${table}_id uuid not null`,
      `primary key (tenant_id, field, value, ${table}_id)`,
    ]),
    isolation(stored),
    `create function insert_${stored}s() returns trigger language plpgsql as $$
begin
  ${insert}
  return null;
end $$;`,
    `create function update_${stored}s() returns trigger language plpgsql as $$
begin
  if old.delete_time is null then
    delete from ${stored} stored using jsonb_each_text(old.order_values) entry
    where ${isOld} = (old.tenant_id, entry.key, entry.value, old.id);
  end if;
  if new.delete_time is null then
    ${insert.replaceAll('\n', '\n  ')}
  end if;
  return null;
end $$;`,
    `create function delete_${stored}s() returns trigger language plpgsql as $$
begin
  delete from ${stored} stored using old_row, jsonb_each_text(old_row.order_values) entry
  where ${isOld} = (old_row.tenant_id, entry.key, entry.value, old_row.id);
  return null;
end $$;`,
    `create trigger insert_${stored}s after insert on ${table} for each row
  when (new.delete_time is null and new.order_values <> '{}') execute function insert_${stored}s();`,
    `create trigger update_${stored}s after update on ${table} for each row
  when (old.order_values <> new.order_values
    or new.order_values <> '{}' and (old.delete_time is null) <> (new.delete_time is null))
  execute function update_${stored}s();`,
    `create trigger delete_${stored}s after delete on ${table}
  referencing old table as old_row for each statement execute function delete_${stored}s();`,
  ];
}
