import type pg from 'pg';

/** The tables in which any row contains a text, as text or as bytes. @param superuser sees the rows of all tables */
export async function tablesWith(superuser: pg.Client, text: string): Promise<string[]> {
  // Most tables are empty: without a page there is no row to read.
  const { rows } = await superuser.query<{ name: string }>(
    `select relname as name from pg_class
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
       and (relkind = 'p' or pg_relation_size(oid) > 0) order by 1`,
  );
  const found: string[] = [];
  for (const { name } of rows) {
    const sql = `select from ${name} t where position($1 in lower(t::text)) > 0 or position($2 in t::text) > 0 limit 1`;
    const { rowCount } = await superuser.query(sql, [text, Buffer.from(text).toString('hex')]);
    if (rowCount) found.push(name);
  }
  return found;
}
