import type { EntityManager } from '@mikro-orm/postgresql';
import type { ClientBase } from 'pg';

/** The name of the change feed of customers, the only one. */
const feed = 'customers';

/** @returns the cursor of the feed; undefined before the first read */
export async function findCursor(em: EntityManager): Promise<string | undefined> {
  const [row] = await em.execute<{ cursor: string }[]>('select cursor from feed_cursor where feed = ?', [feed]);
  return row?.cursor;
}

/**
 * Moves the cursor of the feed, in the transaction with the results of its changes.
 *
 * @param from the cursor that the reader started at. With another one stored, a second process reads the feed, and this
 * one must change nothing
 * @throws Error in that case
 */
export async function moveCursor(client: ClientBase, from: string | undefined, to: string): Promise<void> {
  const { rowCount } =
    from === undefined
      ? await client.query('insert into feed_cursor (feed, cursor) values ($1, $2) on conflict do nothing', [feed, to])
      : await client.query('update feed_cursor set cursor = $3 where feed = $1 and cursor = $2', [feed, from, to]);
  if (rowCount !== 1) throw new Error('Another process has read the change feed further.');
}
