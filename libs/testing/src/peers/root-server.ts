import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { guardAgainstOrphan } from '../platform/orphan-guard.js';
import { notingStart } from '../platform/note-start.js';
import { describeExit, endProcess, hasExited, openLog, type LogFile } from '../platform/process-exit.js';

/** Mailman starts a program of Python for each of its queues. */
const startTimeoutMs = 120_000;
const stopTimeoutMs = 3_000;

export interface RootServerOptions {
  name: string;
  root: string;
  /** Folder of the server within the root. It is removed with the server. */
  folder: string;
  /** Program and arguments, as the root has them. */
  command: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Id of the user and group that it runs as; root without it. */
  user?: number;
  port: number;
  /** What the server is asked at its port, if it does not speak first. */
  probe?: string;
  /** What it says then, once it is ready. */
  greeting: string;
}

/** A server that runs by `chroot` in a root of its own. It ends with this process in any case. */
export class RootServer {
  readonly #guards: (() => Promise<void>)[] = [];
  #process: ChildProcess | undefined;

  private constructor(private readonly options: RootServerOptions) {}

  static async start(options: RootServerOptions): Promise<RootServer> {
    const server = new RootServer(options);
    try {
      await server.start();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** Starts it, or restarts it after `kill`. */
  async start(): Promise<void> {
    const { name, root, folder, command, env, user = 0 } = this.options;
    const log = openLog(join(folder, 'log'));
    const child = spawn('chroot', [`--userspec=${user}:${user}`, root, ...command], {
      env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/bin`, ...env },
      stdio: ['ignore', log.descriptor, log.descriptor],
      detached: true,
    });
    child.on('error', () => undefined);
    log.close();
    this.#process = child;
    this.#guards.push(guardAgainstOrphan(child.pid ?? 0, this.#guards.length === 0 ? [folder] : []));
    await notingStart(name, () => this.#waitUntilReady(child, log));
  }

  /** Ends it at once, with the processes of its group. */
  async kill(): Promise<void> {
    if (!this.#process?.pid) return;
    const exited = endProcess(this.#process, 'SIGKILL', stopTimeoutMs, 'SIGKILL');
    endGroup(this.#process.pid);
    await exited;
  }

  async stop(): Promise<void> {
    if (this.#process) await endProcess(this.#process, 'SIGTERM', stopTimeoutMs, 'SIGKILL');
    if (this.#process?.pid) endGroup(this.#process.pid);
    for (const release of this.#guards.splice(0).reverse()) await release();
  }

  async #waitUntilReady(child: ChildProcess, log: LogFile): Promise<void> {
    const { name, port, probe = '', greeting } = this.options;
    const deadline = Date.now() + startTimeoutMs;
    while (!(await greets(port, probe, greeting))) {
      if (hasExited(child)) throw new Error(describeExit(name, child, log));
      if (Date.now() > deadline)
        throw new Error(`${name} is not ready after ${startTimeoutMs} ms.\n${log.lastLines()}`);
      await delay(50);
    }
  }
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // All its processes have ended.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function greets(port: number, probe: string, greeting: string): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    socket.setTimeout(5_000, () => socket.destroy(new Error('no answer')));
    await once(socket, 'connect');
    socket.write(probe);
    for await (const chunk of socket) if (String(chunk).includes(greeting)) return true;
    return false;
  } catch {
    // The port is not open yet; the caller retries until its deadline.
    return false;
  } finally {
    socket.destroy();
  }
}
