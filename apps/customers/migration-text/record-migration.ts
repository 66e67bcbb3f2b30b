import type { Contract, RecordContract } from '@rapport/contracts';
import type { LoggedTable } from '../src/migrations/change-log-triggers.ts';
import { createTables, tableOf } from './record-tables.ts';

/** Columns that the change log omits, since they change with every write or never. */
const bookkeeping = ['create_time', 'update_time', 'created_by', 'updated_by'];

/** How the change log logs a record type. */
export function loggedTable(record: RecordContract): LoggedTable {
  const columns = record.fields.map(({ column }) => column);
  const counters = record.fields.filter(({ isUnversioned }) => isUnversioned).map(({ column }) => column);
  return {
    table: tableOf(record),
    type: tableOf(record),
    key: 'id',
    version: '$.version',
    content: columns.filter((column) => !['id', 'etag', ...bookkeeping, ...counters].includes(column)),
    bookkeeping: ['version', ...bookkeeping.filter((column) => columns.includes(column))],
    ...(counters.length > 0 && { counters }),
  };
}

/** The migration that creates all database objects of a record type, as text. It is frozen once released. */
export interface RecordMigration {
  /** Name of the migration and its file, such as `create-deal`. */
  name: string;
  /** TypeScript, which imports nothing but released migrations. */
  text: string;
}

/** @param contract that has the record, and those that it refers to */
export function recordMigration(contract: Contract, record: RecordContract): RecordMigration {
  const name = `create-${tableOf(record).replaceAll('_', '-')}`;
  const text = `import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The ${record.plural}: their tables, the policies of these, and the triggers by which changes are logged. */
export class ${classNameOf(name)} extends Migration {
  override name = '${name}';

  override up(): void {
    this.addSql(tables);
    this.addSql(${logTriggers(record)});
    this.addSql(changeLogRights);
  }
}

const tables = ${literal(createTables(contract, record))};
`;
  return { name, text };
}

/** @param name of a migration, such as `create-deal` */
export function classNameOf(name: string): string {
  return name.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The call that makes the triggers of the change log, as text. */
export function logTriggers(record: RecordContract): string {
  const { table, type, key, version, content, bookkeeping: kept, counters = [] } = loggedTable(record);
  const list = (columns: readonly string[]) => `[${columns.map((column) => `'${column}'`).join(', ')}]`;
  return `
      triggersOf({
        table: '${table}',
        type: '${type}',
        key: '${key}',
        version: '${version}',
        content: ${list(content)},
        bookkeeping: ${list(kept)},${counters.length > 0 ? `\n        counters: ${list(counters)},` : ''}
      }),
    `;
}

/** SQL between backticks. */
function literal(sql: string): string {
  const lines = sql.split('\n').flatMap((line) => wrapped(line === '' ? '' : `  ${line}`));
  return `\`\n${lines.join('\n').replace(/[\\`]|\$(?=\{)/g, '\\$&')}\n\``;
}

const maxWidth = 120;

/** Where a line may break: after a comma, or before a keyword. No text within SQL contains one of them. */
const breaks = /, | (?=(?:or|where|with|references) )/g;

/** Breaks a line of SQL at a readable width. */
function wrapped(line: string): string[] {
  const indent = ' '.repeat(line.length - line.trimStart().length + 2);
  const lines: string[] = [];
  let rest = line;
  while (rest.length > maxWidth) {
    const ends = Array.from(rest.matchAll(breaks), ({ index }) => index + (rest[index] === ',' ? 1 : 0));
    const end = ends.filter((each) => each > indent.length && each <= maxWidth).at(-1);
    if (end === undefined) break;
    lines.push(rest.slice(0, end));
    rest = indent + rest.slice(end).trimStart();
  }
  return [...lines, rest];
}
