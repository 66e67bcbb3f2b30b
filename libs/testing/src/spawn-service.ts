import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { childEnvironment } from './child-environment.js';
import { describeExit, endProcess, hasExited, openLog, type LogFile, type UnexpectedExit } from './process-exit.js';

export interface ServiceOptions {
  /** Name for messages, such as "customers". */
  name: string;
  /** Path of the script that Node runs. */
  script: string;
  /** Configuration. Of our own environment the process gets what `childEnvironment` lets through only. */
  env: Record<string, string>;
  /** Port on 127.0.0.1 where `/readyz` answers 200 once the service may get work. */
  healthPort: number;
  /** File that its output is added to. */
  logFile: string;
  /** 30,000 when absent. */
  readyTimeoutMs?: number;
  /** Called when the process ends though nobody called `stop` or `kill`. */
  onUnexpectedExit?: (exit: UnexpectedExit) => void;
  /** Gives up a start that has not succeeded yet. */
  signal?: AbortSignal;
}

/**
 * A service in a process of its own, with its own process group so that Ctrl-C does not reach it, and an IPC channel whose
 * end tells it that we are gone.
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

  /** Where it answers probes, and a service its metrics. */
  get healthUrl(): string {
    return `http://127.0.0.1:${this.#options.healthPort}`;
  }

  /** One more process, not started yet, with the configuration of this one but for what is given. */
  another(other: Pick<ServiceOptions, 'name' | 'env' | 'healthPort' | 'logFile'>): Service {
    return new Service({ ...this.#options, ...other, env: { ...this.#options.env, ...other.env } });
  }

  /** Starts the process, also again after `stop` or `kill`. @throws Error with the last log lines when it ends early */
  async start(): Promise<void> {
    const { name, script, env, logFile, onUnexpectedExit } = this.#options;
    const log = openLog(logFile);
    const child = spawn(process.execPath, [script], {
      env: childEnvironment(env),
      stdio: ['ignore', log.descriptor, log.descriptor, 'ipc'],
      detached: true,
    });
    log.close();
    this.#child = child;
    this.#endIsWanted = false;
    await this.#waitUntilReady(child, log);
    child.once('exit', () => {
      if (!this.#endIsWanted) onUnexpectedExit?.({ name, reason: describeExit(name, child, log) });
    });
  }

  /** Asks the process to end (SIGTERM), and ends it when it has not done so `timeoutMs` later. */
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
    const { name, healthPort, readyTimeoutMs = 30_000, signal } = this.#options;
    const deadline = Date.now() + readyTimeoutMs;
    let lastAnswer = 'no answer';
    while (Date.now() < deadline) {
      signal?.throwIfAborted();
      if (hasExited(child)) throw new Error(describeExit(name, child, log));
      try {
        const response = await fetch(`http://127.0.0.1:${healthPort}/readyz`, { signal: AbortSignal.timeout(2_000) });
        lastAnswer = `${response.status} ${await response.text()}`;
        if (response.ok) return;
      } catch (error) {
        lastAnswer = String((error as Error).cause ?? error);
      }
      await delay(50);
    }
    throw new Error(`${name} is not ready after ${readyTimeoutMs} ms (${lastAnswer}).\n${log.lastLines()}`);
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
