/**
 * The settings of an interactive write. They limit its wait for a lock: waiting until the statement timeout would hold
 * a connection, as would each further write of the same record, and count as a slow call at the edge. The limit exceeds
 * PostgreSQL's `deadlock_timeout` of 1 s: a deadlock is detected first, and the write is retried.
 */
export const lockTimeout = { lock_timeout: '1200ms' } as const;

/**
 * Longest wait of a schema change for its table lock, in milliseconds: statements that queue behind it wait as long,
 * and must not fail for it.
 */
export const tableLockTimeoutMs = 800;
