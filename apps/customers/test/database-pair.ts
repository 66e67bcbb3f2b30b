import { execFile } from 'node:child_process';
import { appendFile, chown, copyFile, mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  queryDatabase,
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type ProvisionedDatabase,
} from '@rapport/testing';
import pg from 'pg';
import { vi } from 'vitest';
import { startMigratedServer, throughPort } from './migrated-server.js';
import { SwitchedServer } from './switched-server.js';

/** What a copy of a running server leaves out, as PostgreSQL's documentation of base backups lists it. */
const notCopied = [
  ...['postmaster.pid', 'postmaster.opts', 'pg_wal/*', 'pg_replslot/*', 'pg_dynshmem/*', 'pg_notify/*'],
  ...['pg_serial/*', 'pg_snapshots/*', 'pg_stat_tmp/*', 'pg_subtrans/*', 'pgsql_tmp*', 'pg_internal.init'],
];

/** A primary and a standby, without which no write is acknowledged, behind one name. */
export class DatabasePair {
  #made = 1;

  private constructor(
    private readonly folder: string,
    private primary: EmbeddedPostgres,
    private standby: EmbeddedPostgres,
    private readonly name: SwitchedServer,
    /** URLs of the name. */
    readonly urls: ProvisionedDatabase,
  ) {}

  static async start(folder: string): Promise<DatabasePair> {
    const { server: primary, urls } = await startMigratedServer(join(folder, '0'));
    // In place of replication slots, which a copy would not have.
    await queryDatabase(primary.superuserUrl, `alter system set wal_keep_size = '1GB'`);
    await queryDatabase(primary.superuserUrl, 'select pg_reload_conf()');
    // Each copy has it too, and so waits for its own standby as soon as it is the primary.
    await queryDatabase(primary.superuserUrl, `alter system set synchronous_standby_names = 'ANY 1 (*)'`);
    const standby = await makeStandby(folder, { primary, from: '0', to: '1' });
    await queryDatabase(primary.superuserUrl, 'select pg_reload_conf()');
    const name = new SwitchedServer(primary.port);
    const named = throughPort(await name.listen(), urls);
    return new DatabasePair(folder, primary, standby, name, named);
  }

  /** Of the primary, past the name. */
  get superuserUrl(): string {
    return this.primary.superuserUrl;
  }

  /** Kills the primary, promotes the standby, and replaces the former primary by a copy of the new one. */
  async failOver(): Promise<void> {
    await this.primary.kill();
    this.name.switchTo(this.standby.port);
    await queryDatabase(this.standby.superuserUrl, 'select pg_promote()');
    await this.primary.stop();
    this.primary = this.standby;
    const from = String(this.#made);
    this.#made += 1;
    this.standby = await makeStandby(this.folder, { primary: this.primary, from, to: String(this.#made) });
  }

  /** Leaves the primary without a second machine until `startStandby`. */
  async stopStandby(): Promise<void> {
    await this.standby.kill('SIGINT');
  }

  async startStandby(): Promise<void> {
    await this.standby.start();
  }

  async stop(): Promise<void> {
    this.name.close();
    // The primary does not end while it waits for its standby.
    await this.primary.stop();
    await this.standby.stop();
  }
}

interface Copy {
  primary: EmbeddedPostgres;
  from: string;
  to: string;
}

/** A standby from a copy of the running primary. */
async function makeStandby(folder: string, { primary, from, to }: Copy): Promise<EmbeddedPostgres> {
  const [source, target] = [join(folder, from), join(folder, to)];
  const cluster = join(target, 'cluster');
  await mkdir(cluster, { recursive: true, mode: 0o700 });
  await copyFile(join(source, 'superuser-password'), join(target, 'superuser-password'));
  const client = new pg.Client({ connectionString: primary.superuserUrl });
  await client.connect();
  await client.query(`select pg_backup_start('pair', true)`);
  await copyRunning(join(source, 'cluster'), cluster);
  const { rows } = await client.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)');
  await client.end();
  const { password } = new URL(primary.superuserUrl);
  const connection = `host=127.0.0.1 port=${primary.port} user=postgres password=${password} application_name=pair${to}`;
  await writeFile(join(cluster, 'backup_label'), rows[0]?.labelfile ?? '');
  await writeFile(join(cluster, 'standby.signal'), '');
  await appendFile(join(cluster, 'postgresql.auto.conf'), `primary_conninfo = '${connection}'\n`);
  const { uid, gid } = await stat(join(source, 'cluster'));
  for (const name of ['', 'backup_label', 'standby.signal']) await chown(join(cluster, name), uid, gid);
  const standby = await startEmbeddedPostgres({ dataDir: target });
  await vi.waitUntil(
    async () => (await queryDatabase(primary.superuserUrl, 'select from pg_stat_replication')).length > 0,
    { timeout: 60_000, interval: 50 },
  );
  return standby;
}

/** Status 1 of tar is that a file changed or went while it was read, which the replay of the WAL mends. */
async function copyRunning(from: string, to: string): Promise<void> {
  const excluded = notCopied.map((path) => `--exclude=./${path}`).join(' ');
  const script = `set -o pipefail
    { tar -C "$0" ${excluded} --exclude=pg_internal.init -cf - . || [ $? -eq 1 ]; } | tar -C "$1" -xpf -`;
  await promisify(execFile)('bash', ['-c', script, from, to]);
}
