/** What a server has to work with. */
export interface PostgresServer {
  /** Memory that it may take, in MiB. */
  memoryMiB: number;
  /** Whether it was built with lz4, as the images of Debian and CloudNativePG are, and the packages of npm are not. */
  hasLz4: boolean;
}

/**
 * Settings of PostgreSQL by their names, for every server that Rapport's databases run on: the one of `npm start`, that of
 * `compose.yaml`, and those of the clusters in `k8s/components/databases`. A test holds the files to them.
 */
export function postgresSettings({ memoryMiB, hasLz4 }: PostgresServer): Record<string, string> {
  const mebibytes = (part: number) => `${Math.floor(memoryMiB * part)}MB`;
  return {
    // A quarter of the memory for PostgreSQL's own buffers; the operating system caches files in the rest of it.
    shared_buffers: mebibytes(1 / 4),
    effective_cache_size: mebibytes(3 / 4),
    maintenance_work_mem: mebibytes(1 / 32),
    // Statements sort and hash pages of rows, not tables.
    work_mem: '8MB',
    // Compiling a plan takes longer than any statement of ours.
    jit: 'off',
    // The disk is an SSD, or the rows are in memory: reading one page here and there is nearly as fast as one after the other.
    random_page_cost: '1.1',
    effective_io_concurrency: '64',
    // After a checkpoint each page is written whole to the WAL once: seldom, and compressed where that takes little time.
    checkpoint_timeout: '15min',
    max_wal_size: '2GB',
    ...(hasLz4 && { wal_compression: 'lz4', default_toast_compression: 'lz4' }),
    // A fifth of a large table is a million rows: dead ones are taken away, pages marked as visible to all, and statistics
    // gathered long before so many have changed, and fast enough to keep up with the writers.
    autovacuum_vacuum_scale_factor: '0.05',
    autovacuum_vacuum_insert_scale_factor: '0.05',
    autovacuum_analyze_scale_factor: '0.02',
    autovacuum_vacuum_cost_limit: '1000',
  };
}
