import { spawn, type ChildProcess } from 'node:child_process';
import type { ResourceLimits } from 'node:worker_threads';

/** Memory limit of one thread, unless its script needs another; all threads may use it at the same time. */
const littleMemory = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 8, stackSizeMb: 2 };

/** Timeout of a thread's start, in milliseconds: enough for a busy machine. */
const startMs = 30_000;

/**
 * What runs in the process of a thread, whose own thread stays free: it ends with the process that has started it, however
 * busy the script is. That process decides when to end it: a terminal sends its signals to both.
 */
const host = `
  const { Worker } = require('node:worker_threads');
  const { script, resourceLimits } = JSON.parse(process.argv[1]);
  const worker = new Worker(new URL(script), { resourceLimits, env: {}, execArgv: [] });
  worker.on('message', (message) => process.send(message));
  worker.on('error', () => process.exit(1));
  process.on('message', (message) => worker.postMessage(message));
  process.on('disconnect', () => process.exit());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);`;

/**
 * A thread that processes one message after the other, with little memory, without environment variables, and without
 * generating code from strings. It has a process of its own: V8 aborts the process of a thread that exceeds its memory by much
 * at once, as with one long string, however its memory is limited.
 */
export class LimitedThread {
  readonly #child: ChildProcess;
  readonly #ready: Promise<unknown>;
  #hasEnded = false;

  /** @param script of the thread. Its first message reports that it is ready. */
  constructor(script: URL, resourceLimits: ResourceLimits = littleMemory) {
    const { TZ } = process.env;
    const given = JSON.stringify({ script: script.href, resourceLimits });
    this.#child = spawn(
      process.execPath,
      ['--disallow-code-generation-from-strings', '--input-type=commonjs', '--eval', host, given],
      {
        ...{ env: TZ === undefined ? {} : { TZ }, serialization: 'advanced' },
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      },
    );
    this.#child.on('error', () => undefined);
    this.#child.once('exit', () => (this.#hasEnded = true));
    this.#ready = this.#answer(startMs);
    this.#ready.catch(() => undefined);
    // An idle thread does not keep the process alive.
    this.#keepAlive(false);
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** @throws Error when it fails, for example without memory, or times out. The caller terminates it then. */
  async ask(message: unknown, timeoutMs: number): Promise<unknown> {
    this.#keepAlive(true);
    try {
      await this.#ready;
      const answer = this.#answer(timeoutMs);
      this.#child.send(message as object, () => undefined);
      return await answer;
    } finally {
      this.#keepAlive(false);
    }
  }

  async end(): Promise<void> {
    if (this.#hasEnded || this.#child.pid === undefined) return;
    this.#keepAlive(true);
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }

  /** The next message of the thread. */
  async #answer(timeoutMs: number): Promise<unknown> {
    if (this.#hasEnded) throw new Error('The thread has ended.');
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const timer = setTimeout(() => reject(new Error('The thread has timed out.')), timeoutMs);
    const onEnd = (cause: unknown) => reject(new Error('The thread has ended.', { cause }));
    this.#child.once('message', resolve).once('exit', onEnd).once('error', onEnd);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#child.off('message', resolve).off('exit', onEnd).off('error', onEnd);
    }
  }

  #keepAlive(isBusy: boolean): void {
    for (const handle of [this.#child, this.#child.channel]) {
      if (isBusy) handle?.ref();
      else handle?.unref();
    }
  }
}
