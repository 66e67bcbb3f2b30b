import type { Connection, Pool } from 'pg';

/** What a command that may have written anything answers first, but for a SELECT that contains one. */
const written = /^(INSERT|UPDATE|DELETE|MERGE|COPY)\b/;

/**
 * Calls `onWritten` whenever a transaction has ended in which something was written through the pool, however it was sent.
 * It may be called for one that was rolled back, and is not for writes within a SELECT (`with … insert … select`) alone.
 */
export function noticeWrites(pool: Pool, onWritten: () => void): void {
  pool.on('connect', (client) => {
    // Not in @types/pg: the connection tells each message of the server by its name.
    const { connection } = client as unknown as { connection: Connection };
    let hasWritten = false;
    connection.on('commandComplete', ({ text }: { text: string }) => {
      if (written.test(text)) hasWritten = true;
    });
    connection.on('readyForQuery', ({ status }: { status: string }) => {
      if (!hasWritten || status !== 'I') return;
      hasWritten = false;
      onWritten();
    });
  });
}
