import type { EntityManager } from '@mikro-orm/postgresql';
import type { ClientBase } from 'pg';

/** @returns how far a feed was read; undefined when it never was */
export async function findCursor(em: EntityManager, feed: string): Promise<string | undefined> {
  const [row] = await em.execute<{ cursor: string }[]>('select cursor from feed_cursor where feed = ?', [feed]);
  return row?.cursor;
}

/**
 * Notes how far a feed is read, in the transaction of what is made of it.
 *
 * @param from where the reader was: who finds another one there is not the only reader, and must leave everything as it is
 * @throws Error in that case
 */
export async function moveCursor(
  client: ClientBase,
  feed: string,
  from: string | undefined,
  to: string,
): Promise<void> {
  const { rowCount } =
    from === undefined
      ? await client.query('insert into feed_cursor (feed, cursor) values ($1, $2) on conflict do nothing', [feed, to])
      : await client.query('update feed_cursor set cursor = $3 where feed = $1 and cursor = $2', [feed, from, to]);
  if (rowCount !== 1) throw new Error(`Another process has read the feed ${feed} further.`);
}
