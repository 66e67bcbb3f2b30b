import type { EntityManager } from '@mikro-orm/postgresql';

/** A table with tenants' rows. */
interface TenantTable {
  name: string;
  /** Columns, besides the tenant's, by which its rows refer to other rows of it. */
  ownReferences: readonly string[];
}

interface ForeignKey {
  child: string;
  parent: string;
  columns: string[];
}

/**
 * The tables with tenants' rows that this role may delete from, in an order in which they can be emptied: each before
 * those that it references.
 *
 * @throws Error on circular references
 */
export async function tenantTables(em: EntityManager): Promise<TenantTable[]> {
  const tables = await em.execute<{ name: string }[]>(
    `select relname::text as name from pg_class
     join pg_attribute on attrelid = pg_class.oid and attname = 'tenant_id' and not attisdropped
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
       and has_table_privilege(pg_class.oid, 'delete') order by 1`,
  );
  const keys = await em.execute<ForeignKey[]>(
    `select conrelid::regclass::text as child, confrelid::regclass::text as parent,
       array(select attname::text from pg_attribute where attrelid = conrelid and attnum = any (conkey)) as columns
     from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace`,
  );
  const ordered: TenantTable[] = [];
  let left = tables.map(({ name }) => name);
  while (left.length > 0) {
    const isFree = (name: string) =>
      !keys.some(({ child, parent }) => parent === name && child !== name && left.includes(child));
    const free = left.filter(isFree);
    if (free.length === 0) throw new Error(`Tables have circular references: ${left.join(', ')}.`);
    ordered.push(...free.map((name) => ({ name, ownReferences: ownReferences(keys, name) })));
    left = left.filter((name) => !free.includes(name));
  }
  return ordered;
}

function ownReferences(keys: readonly ForeignKey[], table: string): string[] {
  const own = keys.filter(({ child, parent }) => child === table && parent === table);
  return [...new Set(own.flatMap(({ columns }) => columns))].filter((column) => column !== 'tenant_id');
}

/** Those of the tables that have rows of the tenant. One statement finds them, however many tables there are. */
export async function filledTables(
  em: EntityManager,
  tables: readonly TenantTable[],
  tenantId: string,
): Promise<TenantTable[]> {
  const names = tables.map(
    ({ name }) => `case when exists (select from ${name} where tenant_id = ?) then '${name}' end`,
  );
  const [row] = await em.execute<{ filled: string[] }[]>(
    `select array_remove(array[${names.join(', ')}]::text[], null) as filled`,
    tables.map(() => tenantId),
  );
  return tables.filter(({ name }) => row?.filled.includes(name));
}

/** Options of the removal. */
interface Removal {
  tenantId: string;
  /** Aborts the removal before its next statement. */
  signal: AbortSignal;
  /** Most rows per statement. */
  limit: number;
  /** SQL conditions of rows that stay, by table. */
  unless?: Readonly<Record<string, string>>;
  /** Runs one statement, for example after a pause. */
  step: (work: () => Promise<unknown[]>) => Promise<unknown[]>;
}

/**
 * Deletes the rows of a tenant from tables, in many short statements. It can be repeated after an interruption.
 *
 * @param em of the tenant's session
 * @returns the number of deleted rows
 */
export async function removeTenantRows(
  em: EntityManager,
  tables: readonly TenantTable[],
  { tenantId, signal, limit, step, unless = {} }: Removal,
): Promise<number> {
  const repeat = async (sql: string) => {
    let count = 0;
    for (let rows: unknown[] = [1]; rows.length > 0 && !signal.aborted;) {
      rows = await step(() => em.execute<unknown[]>(sql, [tenantId]));
      count += rows.length;
    }
    return count;
  };
  let removed = 0;
  for (const { name, ownReferences: columns } of tables) {
    const some = (condition: string) =>
      `ctid = any (array(select ctid from ${name} where tenant_id = ? and ${condition} limit ${limit})) returning 1`;
    if (columns.length > 0) {
      const set = columns.map((column) => `${column} = null`).join(', ');
      const any = columns.map((column) => `${column} is not null`).join(' or ');
      await repeat(`update ${name} set ${set} where ${some(`(${any})`)}`);
    }
    removed += await repeat(`delete from ${name} where ${some(`not (${unless[name] ?? 'false'})`)}`);
  }
  return removed;
}
