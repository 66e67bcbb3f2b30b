import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { EntityManager } from '@mikro-orm/postgresql';
import { from } from 'pg-copy-streams';

/** A value in PostgreSQL's text form. */
export type ColumnValue = string | null;

/** Appends rows to a table by COPY, in the transaction of `em`. The table must be one without row-level security. */
export async function copyRows(
  em: EntityManager,
  table: string,
  columns: readonly string[],
  rows: ColumnValue[][],
): Promise<void> {
  const copy = from(`copy ${table} (${columns.join(', ')}) from stdin`);
  // Kysely hides the transaction's pg client but hands it the text of a query as it is, and pg takes an object with a
  // `submit` method in its place: the copy runs on the connection that no other way leads to.
  await em.getKysely().executeQuery({ sql: copy, parameters: [] } as unknown as CompiledQuery);
  await pipeline(Readable.from([rows.map(copyLine).join('')]), copy);
}

type CompiledQuery = Parameters<ReturnType<EntityManager['getKysely']>['executeQuery']>[0];

/** Source: PostgreSQL's COPY, text format. */
function copyLine(row: ColumnValue[]): string {
  return `${row.map(copyValue).join('\t')}\n`;
}

function copyValue(value: ColumnValue): string {
  return value === null ? '\\N' : value.replace(/[\\\n\r\t]/g, escapeCharacter);
}

function escapeCharacter(character: string): string {
  switch (character) {
    case '\n':
      return '\\n';
    case '\r':
      return '\\r';
    case '\t':
      return '\\t';
    default:
      return `\\${character}`;
  }
}
