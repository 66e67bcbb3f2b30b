import { queryDatabase } from '@rapport/testing';

const databases = ['auth', 'customers', 'keys', 'sync'];

/**
 * The oldest transaction that may still write a row: what older ones have written is there. Rows of a tenant that does not exist yet
 * are of it or of later ones.
 *
 * @param superuserUrl of any database of a platform
 */
export async function oldestTransaction(superuserUrl: string): Promise<string> {
  const sql = 'select pg_snapshot_xmin(pg_current_snapshot())::text as id';
  const [row] = await queryDatabase<{ id: string }>(superuserUrl, sql);
  return row?.id ?? '0';
}

/**
 * Tables of all databases of a platform with a row that contains one of the texts, also as bytes, such as `auth.api_key`;
 * partitions of the change log are separate tables.
 *
 * @param superuserUrl of any of its databases
 * @param since the oldest transaction whose rows are read
 */
export async function tablesWith(superuserUrl: string, texts: readonly string[], since: string): Promise<string[]> {
  const [tables = []] = await tablesWithEach(superuserUrl, [texts], since);
  return tables;
}

/** The same for several lists of texts, with each row read once. */
export async function tablesWithEach(
  superuserUrl: string,
  lists: readonly (readonly string[])[],
  since: string,
): Promise<string[][]> {
  const found = lists.map((): string[] => []);
  for (const name of databases) {
    const url = databaseUrl(superuserUrl, name);
    const tables = await queryDatabase<{ name: string }>(
      url,
      `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind = 'r' and n.nspname <> 'information_schema' and n.nspname !~ '^pg_' order by 1`,
    );
    // One statement for all tables. Case is folded by the rules of ASCII, which costs little: `ilike` took minutes.
    const holding = lists.map((_, list) => `bool_or(text like any ($${list + 1})) as "${list}"`).join(', ');
    const selects = tables.map(
      (table, index) =>
        `select ${index} as index, ${holding} from (select lower(row::text collate "C") as text from ${table.name} row
          where xmin::text::bigint >= ${since} offset 0) rows`,
    );
    const rows = await queryDatabase<{ index: number } & Record<string, boolean | null>>(
      url,
      `${selects.join(' union all ')} order by index`,
      lists.map(patternsOf),
    );
    for (const row of rows) {
      found.forEach((names, list) => row[list] === true && names.push(`${name}.${tables[row.index]?.name}`));
    }
  }
  return found;
}

function patternsOf(texts: readonly string[]): string[] {
  const hex = (text: string) => Buffer.from(text).toString('hex');
  return texts
    .flatMap((text) => [text, text.replaceAll('-', ''), hex(text), hex(text.replaceAll('-', ''))])
    .map((pattern) => `%${pattern.replace(/[A-Z]/g, (letter) => letter.toLowerCase())}%`);
}

/** The database of that name on the server of another. */
export function databaseUrl(superuserUrl: string, name: string): string {
  const url = new URL(superuserUrl);
  url.pathname = `/${name}`;
  return url.href;
}
