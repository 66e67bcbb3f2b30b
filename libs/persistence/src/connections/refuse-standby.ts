import type { ClientBase } from 'pg';

/**
 * Fails when the server is in recovery: it takes no writes, and what it has may be old. A name that led to the primary leads to
 * it for a moment after a switchover.
 *
 * @throws Error with the code 25006, as PostgreSQL refuses a write there
 */
export async function refuseStandby(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ isStandby: boolean }>('select pg_is_in_recovery() as "isStandby"');
  if (rows[0]?.isStandby !== true) return;
  throw Object.assign(new Error('The server is a standby.'), { code: '25006' });
}

/** `verify` of a pool: no connection to a standby gets into it. */
export function verifyPrimary(client: ClientBase, done: (error?: Error) => void): void {
  refuseStandby(client).then(() => done(), done);
}
