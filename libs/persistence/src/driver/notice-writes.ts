import type { Connection, PoolClient } from 'pg';

/** What a command that may have written anything answers first, but for a SELECT that contains one. */
const written = /^(INSERT|UPDATE|DELETE|MERGE|COPY)\b/;

/**
 * Calls `onWritten` whenever a transaction has ended in which something was written on the connection, however it was sent.
 * It may be called for one that was rolled back, and is not for writes within a SELECT (`with … insert … select`) alone.
 */
export function noticeWrites(client: PoolClient, onWritten: () => void): void {
  // Not in @types/pg: the connection emits each message of the server by its name.
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
}
