import type { EntityManager } from '@mikro-orm/postgresql';

/** A table with rows of tenants. */
interface TenantTable {
  name: string;
  /** Columns besides the tenant's by which its rows refer to other rows of it. */
  ownReferences: readonly string[];
}

interface ForeignKey {
  child: string;
  parent: string;
  columns: string[];
}

/**
 * The tables whose rows have a tenant, in an order in which they can be emptied: each before those that it refers to.
 *
 * @throws Error when tables refer to each other in a circle
 */
export async function tenantTables(em: EntityManager): Promise<TenantTable[]> {
  const tables = await em.execute<{ name: string }[]>(
    `select relname::text as name from pg_class
     join pg_attribute on attrelid = pg_class.oid and attname = 'tenant_id' and not attisdropped
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition order by 1`,
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
    if (free.length === 0) throw new Error(`Tables refer to each other in a circle: ${left.join(', ')}.`);
    ordered.push(...free.map((name) => ({ name, ownReferences: ownReferences(keys, name) })));
    left = left.filter((name) => !free.includes(name));
  }
  return ordered;
}

function ownReferences(keys: readonly ForeignKey[], table: string): string[] {
  const own = keys.filter(({ child, parent }) => child === table && parent === table);
  return [...new Set(own.flatMap(({ columns }) => columns))].filter((column) => column !== 'tenant_id');
}

/**
 * Deletes all rows of a tenant from tables, in many short statements. Less is left after each of them, so that it can be done again.
 *
 * @param em of the tenant's session
 * @param options.limit most rows of one statement
 * @param options.step does one statement, such as after a rest
 */
export async function removeTenantRows(
  em: EntityManager,
  tables: readonly TenantTable[],
  {
    tenantId,
    signal,
    limit,
    step,
  }: {
    tenantId: string;
    signal: AbortSignal;
    limit: number;
    step: (work: () => Promise<unknown[]>) => Promise<unknown[]>;
  },
): Promise<void> {
  const repeat = async (sql: string) => {
    for (let rows: unknown[] = [1]; rows.length > 0 && !signal.aborted;) {
      rows = await step(() => em.execute<unknown[]>(sql, [tenantId]));
    }
  };
  for (const { name, ownReferences: columns } of tables) {
    const some = (condition: string) =>
      `ctid = any (array(select ctid from ${name} where tenant_id = ? and ${condition} limit ${limit})) returning 1`;
    if (columns.length > 0) {
      const set = columns.map((column) => `${column} = null`).join(', ');
      const any = columns.map((column) => `${column} is not null`).join(' or ');
      await repeat(`update ${name} set ${set} where ${some(`(${any})`)}`);
    }
    await repeat(`delete from ${name} where ${some('true')}`);
  }
}
