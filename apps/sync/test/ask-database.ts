import pg from 'pg';

/** By URL. */
const pools = new Map<string, pg.Pool>();

/**
 * Asks a database over a connection that stays open for a second. A condition that is waited for is asked many times, and to connect
 * costs ten times as much processor time as an answer.
 */
export async function askDatabase<Row extends object>(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  return (await poolOf(url).query<Row>(text, values)).rows;
}

function poolOf(url: string): pg.Pool {
  const known = pools.get(url);
  if (known) return known;
  const pool = new pg.Pool({ connectionString: url, idleTimeoutMillis: 1_000, allowExitOnIdle: true });
  // One that its server ends is opened again by the next question.
  pool.on('error', () => undefined);
  pools.set(url, pool);
  return pool;
}
