import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../free-port.js';
import { guardAgainstOrphan } from '../platform/orphan-guard.js';
import { notingStart } from '../platform/note-start.js';
import {
  describeExit,
  endProcess,
  hasExited,
  openLog,
  type LogFile,
  type UnexpectedExit,
} from '../platform/process-exit.js';
import { findRedisProgram } from './redis-program.js';

const startTimeoutMs = 10_000;
const stopTimeoutMs = 3_000;

export interface RedisOptions {
  /** Memory limit in MiB; above it the least recently used keys are evicted. 64 when absent. */
  maxMemoryMib?: number;
  /** Log file. `redis.log` in its temporary folder when absent. */
  logFile?: string;
  /** Called when the server ends without a call of `stop`. */
  onUnexpectedExit?: (exit: UnexpectedExit) => void;
}

/** A running Redis on 127.0.0.1 without persistence. */
export interface Redis {
  /** `redis://default:<password>@127.0.0.1:<port>`. */
  url: string;
  port: number;
  readonly pid: number;
  /** Stops it from answering while its connections stay open, as a frozen machine does. */
  freeze(): void;
  /** Resumes a frozen server. */
  thaw(): void;
  /** Ends the server at once, as a crash would. */
  kill(): Promise<void>;
  /** Restarts a killed server on its port, without its data. */
  start(): Promise<void>;
  /** Ends the server, frozen or not. Resolves when it has ended. */
  stop(): Promise<void>;
}

/**
 * Starts a Redis server without persistence. It has its own process group, so Ctrl-C does not reach it, and ends with this
 * process in any case. Its password is in a file that only its owner can read.
 */
export async function startRedis(options: RedisOptions = {}): Promise<Redis> {
  const program = await findRedisProgram();
  const folder = await mkdtemp(join(tmpdir(), 'rapport-redis-'));
  const port = await freePort();
  const password = randomBytes(24).toString('base64url');
  const settings = join(folder, 'redis.conf');
  await writeFile(settings, configuration(port, password, folder, options.maxMemoryMib ?? 64), { mode: 0o600 });

  const guards: (() => Promise<void>)[] = [];
  let server: ChildProcess | undefined;
  let endIsWanted = false;
  const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
    endIsWanted = true;
    server?.kill('SIGCONT');
    if (server) await endProcess(server, signal, stopTimeoutMs, 'SIGKILL');
  };
  const stop = async () => {
    await end('SIGTERM');
    for (const release of guards.splice(0).reverse()) await release();
  };
  const start = async () => {
    const log = openLog(options.logFile ?? join(folder, 'redis.log'));
    const child = startServer(program, settings, folder, log);
    server = child;
    endIsWanted = false;
    // Only the first call removes the folder: after it there may be another server.
    guards.push(guardAgainstOrphan(child.pid ?? 0, guards.length === 0 ? [folder] : []));
    await notingStart('redis', () => waitUntilReady(port, password, child, log));
    child.once('exit', () => {
      if (endIsWanted) return;
      options.onUnexpectedExit?.({ name: 'redis', reason: describeExit('redis', child, log) });
      void stop();
    });
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: `redis://default:${password}@127.0.0.1:${port}`,
    port,
    get pid() {
      return server?.pid ?? 0;
    },
    freeze: () => void server?.kill('SIGSTOP'),
    thaw: () => void server?.kill('SIGCONT'),
    kill: () => end('SIGKILL'),
    start,
    stop,
  };
}

function startServer(program: string, settings: string, folder: string, log: LogFile): ChildProcess {
  const child = spawn(program, [settings], {
    argv0: 'redis-server',
    cwd: folder,
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', log.descriptor, log.descriptor],
    detached: true,
  });
  child.on('error', () => undefined);
  log.close();
  return child;
}

function configuration(port: number, password: string, folder: string, maxMemoryMib: number): string {
  return [
    'bind 127.0.0.1',
    `port ${port}`,
    `dir "${folder}"`,
    `requirepass ${password}`,
    'save ""',
    'appendonly no',
    `maxmemory ${maxMemoryMib}mb`,
    // Keys that never expire, such as the leases of edges, must not be evicted.
    'maxmemory-policy volatile-lru',
    'daemonize no',
    '',
  ].join('\n');
}

async function waitUntilReady(port: number, password: string, server: ChildProcess, log: LogFile): Promise<void> {
  const deadline = Date.now() + startTimeoutMs;
  for (;;) {
    if (hasExited(server)) throw new Error(describeExit('redis', server, log));
    if (await answersPing(port, password)) return;
    if (Date.now() > deadline) throw new Error(`redis is not ready after ${startTimeoutMs} ms.\n${log.lastLines()}`);
    await delay(20);
  }
}

async function answersPing(port: number, password: string): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    socket.setTimeout(1_000, () => socket.destroy(new Error('no answer')));
    await once(socket, 'connect');
    socket.write(`AUTH ${password}\r\nPING\r\n`);
    let answer = '';
    for await (const chunk of socket) {
      answer += String(chunk);
      if (answer.endsWith('+PONG\r\n')) return true;
    }
    return false;
  } catch {
    // The port is not open yet; the caller retries until its deadline.
    return false;
  } finally {
    socket.destroy();
  }
}
