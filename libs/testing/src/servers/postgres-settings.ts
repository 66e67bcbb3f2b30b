/** The server to configure. */
export interface PostgresServer {
  /** Memory that it may use, in MiB. */
  memoryMiB: number;
  /** True for the images of Debian and CloudNativePG; the binaries from npm are built without lz4. */
  hasLz4: boolean;
}

/**
 * Settings by their names, for every PostgreSQL server of Rapport: in `npm start`, in `compose.yaml`, and in the clusters of
 * `k8s/components/databases`. `tools/test/postgres-settings.test.ts` compares the files with them.
 */
export function postgresSettings({ memoryMiB, hasLz4 }: PostgresServer): Record<string, string> {
  const mebibytes = (part: number) => `${Math.floor(memoryMiB * part)}MB`;
  return {
    // Of all processes that may run at once, seven with 20 in their pools and up to 7 beside them, and of operators (k8s/rules/database-faults.ts).
    max_connections: '220',
    // A quarter of the memory for PostgreSQL's own buffers; the operating system caches files in the rest of it.
    shared_buffers: mebibytes(1 / 4),
    effective_cache_size: mebibytes(3 / 4),
    maintenance_work_mem: mebibytes(1 / 32),
    // Statements sort and hash pages of rows, not tables.
    work_mem: '8MB',
    // JIT compilation takes longer than these plans run.
    jit: 'off',
    // Disks are SSDs, and most pages are in memory: random reads are nearly as fast as sequential ones.
    random_page_cost: '1.1',
    effective_io_concurrency: '64',
    // The first change of a page after a checkpoint writes the whole page to the WAL. So checkpoints are rare, and pages compressed.
    checkpoint_timeout: '15min',
    max_wal_size: '2GB',
    // WAL that a standby has not read for so long is dropped, and the standby made anew: it would fill the volume of its primary.
    max_slot_wal_keep_size: '4GB',
    ...(hasLz4 && { wal_compression: 'lz4', default_toast_compression: 'lz4' }),
    // The defaults wait until a fifth of a table has changed, which in a large one is a million rows. The cost limit lets vacuum keep
    // up with the writers.
    autovacuum_vacuum_scale_factor: '0.05',
    autovacuum_vacuum_insert_scale_factor: '0.05',
    autovacuum_vacuum_cost_limit: '1000',
  };
}
