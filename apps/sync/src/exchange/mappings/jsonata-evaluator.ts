import type { OnApplicationShutdown } from '@nestjs/common';
import type { JsonValue } from '../../connectors/peer-record.js';
import { JsonataThread } from './jsonata-thread.js';
import type { EvaluationDone, EvaluationJob } from './jsonata-worker.js';

/** Deadline for evaluations that jsonata's own timeout does not stop. */
const timeoutMs = 3_000;

/** Threads of all tenants. A tenant uses one at a time. */
const maxThreads = 4;

/** Why an expression has no result. The message is for its author. */
export class EvaluationError extends Error {
  override readonly name = 'EvaluationError';

  /** @param isSlow whether it exceeded its time or memory */
  constructor(
    message: string,
    readonly isSlow: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Evaluates an expression of one tenant. @throws EvaluationError */
export type Evaluate = (expression: string, input: JsonValue) => Promise<JsonValue>;

interface Waiting {
  job: EvaluationJob;
  resolve: (result: JsonValue) => void;
  reject: (error: unknown) => void;
}

/**
 * Evaluates JSONata of tenants in a few threads with little memory, which are terminated when an evaluation times out:
 * no expression can block or crash the process. Tenants take turns with one thread each, so an expensive expression
 * delays other tenants by one turn at most.
 */
export class JsonataEvaluator implements OnApplicationShutdown {
  /** Queues by tenant, in the order of their turns. */
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #atWork = new Set<string>();
  readonly #idle: JsonataThread[] = [];
  readonly #threads = new Set<JsonataThread>();

  of(tenantId: string): Evaluate {
    return (expression, input) => {
      const { promise, resolve, reject } = Promise.withResolvers<JsonValue>();
      const own = this.#waiting.get(tenantId) ?? [];
      own.push({ job: { expression, input }, resolve, reject });
      this.#waiting.set(tenantId, own);
      this.#begin();
      return promise;
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.#threads].map((thread) => thread.end()));
  }

  /** Assigns idle threads to waiting tenants. */
  #begin(): void {
    for (const [tenantId, own] of this.#waiting) {
      if (this.#atWork.size === maxThreads) return;
      if (this.#atWork.has(tenantId)) continue;
      const next = own.shift();
      this.#waiting.delete(tenantId);
      if (own.length > 0) this.#waiting.set(tenantId, own);
      if (!next) continue;
      this.#atWork.add(tenantId);
      void this.#evaluate(next.job)
        .then(next.resolve, next.reject)
        .finally(() => {
          this.#atWork.delete(tenantId);
          this.#begin();
        });
    }
  }

  async #evaluate(job: EvaluationJob): Promise<JsonValue> {
    const thread = this.#idle.pop() ?? this.#startThread();
    let done: EvaluationDone;
    try {
      done = (await thread.ask(job, timeoutMs)) as EvaluationDone;
    } catch (error) {
      this.#threads.delete(thread);
      await thread.end();
      throw new EvaluationError('It takes too much time or memory.', true, { cause: error });
    }
    this.#idle.push(thread);
    if ('error' in done) throw new EvaluationError(done.error, done.isSlow);
    return done.result;
  }

  #startThread(): JsonataThread {
    // Tests run the sources; a program is a bundle at the root of `dist`.
    const file = import.meta.filename.endsWith('.ts') ? './jsonata-worker.ts' : './exchange/mappings/jsonata-worker.js';
    const thread = new JsonataThread(new URL(file, import.meta.url));
    this.#threads.add(thread);
    return thread;
  }
}
