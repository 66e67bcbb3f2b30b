import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { OnApplicationShutdown } from '@nestjs/common';
import type { JsonValue } from '../connectors/peer-record.js';
import type { EvaluationDone, EvaluationJob } from './jsonata-worker.js';

/** For what jsonata does not stop by itself, such as a regular expression that backtracks. */
const timeoutMs = 1_000;
const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16, stackSizeMb: 2 };

/** Why an expression gave nothing. The message is for who wrote it. */
export class EvaluationError extends Error {
  override readonly name = 'EvaluationError';
}

/**
 * Evaluates JSONata of tenants in a thread of its own, which has little memory, and is ended when it takes too long: no
 * expression can hold up or bring down the process.
 */
export class JsonataEvaluator implements OnApplicationShutdown {
  #worker: Worker | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** @throws EvaluationError */
  evaluate(expression: string, input: JsonValue): Promise<JsonValue> {
    const evaluation = this.#last.then(() => this.#evaluate({ expression, input }));
    this.#last = evaluation.catch(() => undefined);
    return evaluation;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#worker?.terminate();
  }

  async #evaluate(job: EvaluationJob): Promise<JsonValue> {
    const worker = (this.#worker ??= this.#startWorker());
    worker.ref();
    worker.postMessage(job);
    try {
      // Rejects when the thread fails, as it does when it runs out of memory.
      const [done] = (await once(worker, 'message', { signal: AbortSignal.timeout(timeoutMs) })) as [EvaluationDone];
      if ('error' in done) throw new EvaluationError(done.error);
      return done.result;
    } catch (error) {
      if (error instanceof EvaluationError) throw error;
      this.#worker = undefined;
      await worker.terminate();
      throw new EvaluationError('It takes too much time or memory.', { cause: error });
    } finally {
      // An idle thread keeps no process from ending.
      worker.unref();
    }
  }

  #startWorker(): Worker {
    // Tests run the sources; a program is a bundle, at the root of `dist`.
    const file = import.meta.filename.endsWith('.ts') ? './jsonata-worker.ts' : './mappings/jsonata-worker.js';
    const worker = new Worker(new URL(file, import.meta.url), { resourceLimits });
    worker.on('error', () => undefined);
    return worker;
  }
}
