import { queryDatabase } from '@rapport/testing';

const databases = ['auth', 'customers', 'keys', 'sync'];

/**
 * Tables of all databases of a platform with a row that contains one of the texts, also as bytes, such as `auth.api_key`;
 * partitions of the change log are separate tables.
 *
 * @param superuserUrl of any of its databases
 */
export async function tablesWith(superuserUrl: string, texts: readonly string[]): Promise<string[]> {
  const [tables = []] = await tablesWithEach(superuserUrl, [texts]);
  return tables;
}

/** The same for several lists of texts, with each row read once. */
export async function tablesWithEach(superuserUrl: string, lists: readonly (readonly string[])[]): Promise<string[][]> {
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
        `select ${index} as index, ${holding} from (select lower(row::text collate "C") as text from ${table.name} row offset 0) rows`,
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
