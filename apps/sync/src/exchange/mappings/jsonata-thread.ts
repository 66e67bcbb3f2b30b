import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';

/** Of one thread; as many as there are of them may be used at a time. */
const resourceLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 8, stackSizeMb: 2 };

/** How long a thread may take to begin, in milliseconds: as long as a busy machine needs. */
const startMs = 30_000;

/**
 * A thread that answers one message after the other, in little memory, without environment, and without making code of
 * texts.
 */
export class JsonataThread {
  readonly #worker: Worker;
  readonly #ready: Promise<unknown>;

  /** @param script of the thread. Its first message says that it is ready. */
  constructor(script: URL) {
    // Threads take no such flag of their own. It holds for what begins from here on, which is threads like this one only.
    setFlagsFromString('--disallow-code-generation-from-strings');
    this.#worker = new Worker(script, { resourceLimits, env: {} });
    this.#worker.on('error', () => undefined);
    this.#ready = once(this.#worker, 'message', { signal: AbortSignal.timeout(startMs) });
    this.#ready.catch(() => undefined);
    // An idle thread keeps no process from ending.
    this.#worker.unref();
  }

  /** @throws Error when it fails, as it does without memory, or answers nothing in time. It is to be ended then. */
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
