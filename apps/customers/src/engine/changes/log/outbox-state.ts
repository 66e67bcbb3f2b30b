import type { EntityManager } from '@mikro-orm/postgresql';

/** Longest wait of a change for its position before `/readyz` fails. */
const lateSeconds = 10;

/**
 * Committed changes without a position. Read on the pool, since the connection of a stuck sequencer does not answer.
 */
export async function outboxState(em: EntityManager): Promise<{ waiting: number; oldestSeconds: number }> {
  const [row] = await em
    .fork()
    .execute<{ waiting: string; oldest_seconds: number }[]>('select * from outbox_waiting()');
  return { waiting: Number(row?.waiting ?? 0), oldestSeconds: row?.oldest_seconds ?? 0 };
}

/** @throws Error while a change has waited too long */
export async function checkOutbox(em: EntityManager): Promise<void> {
  const { oldestSeconds } = await outboxState(em);
  if (oldestSeconds > lateSeconds) throw new Error(`A change has waited ${oldestSeconds} s for its position.`);
}

/** Bytes of the change log with its indexes. */
export async function changeLogBytes(em: EntityManager): Promise<number> {
  const [row] = await em.fork().execute<{ bytes: string }[]>('select change_log_bytes() as bytes');
  return Number(row?.bytes ?? 0);
}
