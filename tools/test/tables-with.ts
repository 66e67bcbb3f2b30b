import { queryDatabase } from '@rapport/testing';

const databases = ['auth', 'customers', 'keys', 'sync'];

/**
 * Tables of all databases of a platform with a row that contains one of the texts, also as bytes, such as `auth.api_key`;
 * partitions of the change log are separate tables.
 *
 * @param superuserUrl of any of its databases
 */
export async function tablesWith(superuserUrl: string, texts: readonly string[]): Promise<string[]> {
  const hex = (text: string) => Buffer.from(text.replaceAll('-', '')).toString('hex');
  const patterns = texts
    .flatMap((text) => [text, text.replaceAll('-', ''), Buffer.from(text).toString('hex'), hex(text)])
    .map((pattern) => pattern.replace(/[A-Z]/g, (letter) => letter.toLowerCase()));
  const found: string[] = [];
  for (const name of databases) {
    const url = databaseUrl(superuserUrl, name);
    const tables = await queryDatabase<{ name: string }>(
      url,
      `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind = 'r' and n.nspname <> 'information_schema' and n.nspname !~ '^pg_' order by 1`,
    );
    // One statement for all tables. Case is folded by the rules of ASCII, which costs little: `ilike` took minutes.
    const holding = tables.map(
      (table, index) =>
        `select ${index} as index where exists (select from ${table.name} row where lower(row::text collate "C") like any ($1))`,
    );
    const rows = await queryDatabase<{ index: number }>(url, `${holding.join(' union all ')} order by index`, [
      patterns.map((pattern) => `%${pattern}%`),
    ]);
    found.push(...rows.map(({ index }) => `${name}.${tables[index]?.name}`));
  }
  return found;
}

/** The database of that name on the server of another. */
export function databaseUrl(superuserUrl: string, name: string): string {
  const url = new URL(superuserUrl);
  url.pathname = `/${name}`;
  return url.href;
}
