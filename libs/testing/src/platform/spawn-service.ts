import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { childEnvironment } from './child-environment.js';
import { nodeProgram } from './node-program.js';
import { notingStart } from './note-start.js';
import { describeExit, endProcess, hasExited, openLog, type LogFile, type UnexpectedExit } from './process-exit.js';

/** How often readiness is polled, in milliseconds: after a process has reported that it serves, and before. */
const servingIntervalMs = 20;
const silentIntervalMs = 1_000;

/**
 * As in apps/Dockerfile. V8 counts buffers with its heap: otherwise it collects all garbage whenever 64 MiB of buffers have
 * been made, which took half of the processor time of a page of records, in the threads that mark. And it begins to look
 * for garbage only when there are 96 MiB: otherwise it marks all that a process loads several times before its start ends,
 * an eighth of the start. With 192 MiB and a young generation four times as large, the four processes held 1,170 MiB after
 * a load in place of 860, and the edge needed a tenth less processor time for a page of records.
 */
const gcFlags = ['--external-memory-accounted-in-global-limit', '--initial-old-space-size=96'];

/**
 * Heap sizes in MiB, since nothing else limits these processes; in a pod, V8 derives them from the memory limit. Without
 * them the heap may grow to 4 GiB on a large machine, and old objects are collected rarely: an edge and a service used
 * nearly 400 MiB each instead of 240, at the same speed.
 */
const heapFlags = ['--max-old-space-size=384', '--max-semi-space-size=8', ...gcFlags];

/** As in apps/Dockerfile. The C library's default, eight arenas for each core, scatters buffers: a twelfth more memory. */
const allocation = { MALLOC_ARENA_MAX: '2' };

export interface ServiceOptions {
  /** Name for messages, such as "customers". */
  name: string;
  /** Path of the script that Node runs. */
  script: string;
  /** Configuration. Of this process's environment the service inherits only the variables of `childEnvironment`. */
  env: Record<string, string>;
  /** Port on 127.0.0.1 where `/readyz` answers 200 once the service is ready. */
  healthPort: number;
  /** File that its output is appended to. */
  logFile: string;
  /** Bounds a hang: 120,000 when absent. */
  readyTimeoutMs?: number;
  /** Called when the process ends without a call of `stop` or `kill`. */
  onUnexpectedExit?: (exit: UnexpectedExit) => void;
  /** Aborts the start. */
  signal?: AbortSignal;
}

/**
 * A service in a process of its own, with its own process group so that Ctrl-C does not reach it, and an IPC channel whose
 * end stops it when this process has ended.
 */
export class Service {
  readonly #options: ServiceOptions;
  #child: ChildProcess | undefined;
  #endIsWanted = false;

  constructor(options: ServiceOptions) {
    this.#options = options;
  }

  /** Process id; undefined before the first start. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** URL of its probes, and of a service's metrics. */
  get healthUrl(): string {
    return `http://127.0.0.1:${this.#options.healthPort}`;
  }

  /** A further, unstarted process with the configuration of this one, overridden by the argument. */
  another(other: Pick<ServiceOptions, 'name' | 'env' | 'healthPort' | 'logFile'>): Service {
    return new Service({ ...this.#options, ...other, env: { ...this.#options.env, ...other.env } });
  }

  /** Starts the process, also after `stop` or `kill`. @throws Error with the last log lines when it ends early */
  async start(): Promise<void> {
    const { name, script, env, logFile, onUnexpectedExit } = this.#options;
    const log = openLog(logFile);
    const child = spawn(nodeProgram(), [...heapFlags, script], {
      env: childEnvironment({ ...allocation, ...env }),
      stdio: ['ignore', log.descriptor, log.descriptor, 'ipc'],
      detached: true,
    });
    log.close();
    this.#child = child;
    this.#endIsWanted = false;
    await notingStart(name, () => this.#waitUntilReady(child, log));
    child.once('exit', () => {
      if (this.#endIsWanted) return;
      onUnexpectedExit?.({ name, reason: describeExit(name, child, log), restart: () => this.#startAgain() });
    });
  }

  /** @throws what `start` throws. Then no process is left */
  async #startAgain(): Promise<void> {
    try {
      await this.start();
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  /** Sends SIGTERM, and SIGKILL if the process has not ended `timeoutMs` later. */
  async stop(timeoutMs = 10_000): Promise<void> {
    await this.#end('SIGTERM', timeoutMs);
  }

  /** Ends the process at once, as a crash would. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL', 10_000);
  }

  async #end(signal: NodeJS.Signals, timeoutMs: number): Promise<void> {
    if (!this.#child) return;
    this.#endIsWanted = true;
    await endProcess(this.#child, signal, timeoutMs, 'SIGKILL');
  }

  async #waitUntilReady(child: ChildProcess, log: LogFile): Promise<void> {
    const { name, healthPort, readyTimeoutMs = 120_000, signal } = this.#options;
    const deadline = Date.now() + readyTimeoutMs;
    const changed = new Promise((resolve) => child.once('message', resolve).once('exit', resolve));
    let intervalMs = silentIntervalMs;
    void changed.then(() => (intervalMs = servingIntervalMs));
    let lastAnswer = 'no answer';
    while (Date.now() < deadline) {
      await Promise.race([changed, delay(intervalMs)]);
      signal?.throwIfAborted();
      if (hasExited(child)) throw new Error(describeExit(name, child, log));
      const answer = await readiness(healthPort);
      if (answer.isReady) return;
      lastAnswer = answer.text;
      if (intervalMs === servingIntervalMs) await delay(servingIntervalMs);
    }
    throw new Error(`${name} is not ready after ${readyTimeoutMs} ms (${lastAnswer}).\n${log.lastLines()}`);
  }
}

async function readiness(port: number): Promise<{ isReady: boolean; text: string }> {
  try {
    const request = get({ host: '127.0.0.1', port, path: '/readyz', timeout: 5_000 });
    request.once('timeout', () => request.destroy(new Error('no answer within 5 s')));
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const body = await text(response);
    return { isReady: response.statusCode === 200, text: `${response.statusCode} ${body}` };
  } catch (error) {
    return { isReady: false, text: String(error) };
  }
}

/** Starts a service and waits until it is ready. A start that fails leaves no process behind. */
export async function spawnService(options: ServiceOptions): Promise<Service> {
  const service = new Service(options);
  try {
    await service.start();
  } catch (error) {
    await service.kill();
    throw error;
  }
  return service;
}
