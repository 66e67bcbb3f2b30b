/**
 * The settings of a write for which somebody waits. It waits for a lock no longer than this: to the end of a statement's time it
 * would keep a connection from others, as would each further write of the same record, and count as a slow call at the edge. It is
 * longer than PostgreSQL's `deadlock_timeout` of 1 s: a deadlock is found before, and the write done again.
 */
export const lockTimeout = { lock_timeout: '1200ms' } as const;

/** How long what changes a table waits for its lock, in milliseconds: all who come after it wait as long, and must not fail for it. */
export const tableLockTimeoutMs = 800;
