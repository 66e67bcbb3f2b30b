import type { ClientBase } from 'pg';

/**
 * Throws when the server is in recovery: it takes no writes, and its data may be stale. After a switchover, the name of
 * the primary leads to the former one for a moment.
 *
 * @throws Error with code 25006, which PostgreSQL uses when it refuses a write there
 */
export async function refuseStandby(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ isStandby: boolean }>('select pg_is_in_recovery() as "isStandby"');
  if (rows[0]?.isStandby !== true) return;
  throw Object.assign(new Error('The server is a standby.'), { code: '25006' });
}

/** `verify` of a pool: keeps connections to a standby out of it. */
export function verifyPrimary(client: ClientBase, done: (error?: Error) => void): void {
  refuseStandby(client).then(() => done(), done);
}
