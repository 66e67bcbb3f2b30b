import type { OnApplicationShutdown } from '@nestjs/common';
import { TenantThreads, ThreadEnded } from '@rapport/platform';
import type { JsonValue } from '../../connectors/peer-record.js';
import type { EvaluationDone, EvaluationJob } from './jsonata-worker.js';

/** The deadline is for evaluations that jsonata's own timeout does not stop. */
const limits = { timeoutMs: 3_000, maxThreads: 4 };

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

/** Evaluates JSONata of tenants, in threads with limits. */
export class JsonataEvaluator implements OnApplicationShutdown {
  readonly #threads = new TenantThreads<EvaluationJob, EvaluationDone>(workerScript(), limits);

  of(tenantId: string): Evaluate {
    return (expression, input) => this.#evaluate(tenantId, { expression, input });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#threads.end();
  }

  async #evaluate(tenantId: string, job: EvaluationJob): Promise<JsonValue> {
    const done = await this.#threads.ask(tenantId, job).catch((error: unknown) => {
      if (!(error instanceof ThreadEnded)) throw error;
      throw new EvaluationError('It takes too much time or memory.', true, { cause: error });
    });
    if ('error' in done) throw new EvaluationError(done.error, done.isSlow);
    return done.result;
  }
}

function workerScript(): URL {
  // Tests run the sources; a program is a bundle at the root of `dist`.
  const file = import.meta.filename.endsWith('.ts') ? './jsonata-worker.ts' : './exchange/mappings/jsonata-worker.js';
  return new URL(file, import.meta.url);
}
