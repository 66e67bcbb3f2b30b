import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { Worker, type ResourceLimits } from 'node:worker_threads';

/** Memory limit of one thread, unless its script needs another; all threads may use it at the same time. */
const littleMemory = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 8, stackSizeMb: 2 };

/** Timeout of a thread's start, in milliseconds: enough for a busy machine. */
const startMs = 30_000;

/**
 * A thread that processes one message after the other, with little memory, without environment variables, and without
 * generating code from strings.
 */
export class LimitedThread {
  readonly #worker: Worker;
  readonly #ready: Promise<unknown>;

  /** @param script of the thread. Its first message reports that it is ready. */
  constructor(script: URL, resourceLimits: ResourceLimits = littleMemory) {
    // Workers have no such option of their own. The flag applies to everything that starts from here on, which is only
    // these threads.
    setFlagsFromString('--disallow-code-generation-from-strings');
    this.#worker = new Worker(script, { resourceLimits, env: {} });
    this.#worker.on('error', () => undefined);
    this.#ready = once(this.#worker, 'message', { signal: AbortSignal.timeout(startMs) });
    this.#ready.catch(() => undefined);
    // An idle thread does not keep the process alive.
    this.#worker.unref();
  }

  /** @throws Error when it fails, for example without memory, or times out. The caller terminates it then. */
  async ask(message: unknown, timeoutMs: number): Promise<unknown> {
    this.#worker.ref();
    try {
      await this.#ready;
      this.#worker.postMessage(message);
      const [answer] = (await once(this.#worker, 'message', { signal: AbortSignal.timeout(timeoutMs) })) as unknown[];
      return answer;
    } finally {
      this.#worker.unref();
    }
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
