import type { ResourceLimits } from 'node:worker_threads';
import { LimitedThread } from './limited-thread.js';

interface Waiting<Job, Done> {
  job: Job;
  resolve: (done: Done) => void;
  reject: (error: unknown) => void;
}

/** A job took too much time or memory, so that its thread was terminated. */
export class ThreadEnded extends Error {
  override readonly name = 'ThreadEnded';
}

/** What bounds the threads of a script. */
export interface ThreadLimits {
  /** Deadline of a job. */
  timeoutMs: number;
  /** Threads of all tenants. A tenant uses one at a time. */
  maxThreads: number;
  /** Memory of a thread. Little by default. */
  resourceLimits?: ResourceLimits;
}

/**
 * Does jobs of tenants in a few threads with little memory, each in a process of its own, which are terminated when a job
 * times out: no job can block or crash the process. Tenants take turns with one thread each, so an expensive job delays other
 * tenants by one turn at most.
 */
export class TenantThreads<Job, Done> {
  /** Queues by tenant, in the order of their turns. */
  readonly #waiting = new Map<string, Waiting<Job, Done>[]>();
  readonly #atWork = new Set<string>();
  readonly #idle: LimitedThread[] = [];
  readonly #threads = new Set<LimitedThread>();

  /** @param script answers each message with one message; its first message reports that it is ready */
  constructor(
    private readonly script: URL,
    private readonly limits: ThreadLimits,
  ) {}

  /** @throws ThreadEnded */
  ask(tenantId: string, job: Job): Promise<Done> {
    const { promise, resolve, reject } = Promise.withResolvers<Done>();
    const own = this.#waiting.get(tenantId) ?? [];
    own.push({ job, resolve, reject });
    this.#waiting.set(tenantId, own);
    this.#begin();
    return promise;
  }

  async end(): Promise<void> {
    await Promise.all([...this.#threads].map((thread) => thread.end()));
  }

  /** Assigns idle threads to waiting tenants. */
  #begin(): void {
    for (const [tenantId, own] of this.#waiting) {
      if (this.#atWork.size === this.limits.maxThreads) return;
      if (this.#atWork.has(tenantId)) continue;
      const next = own.shift();
      this.#waiting.delete(tenantId);
      if (own.length > 0) this.#waiting.set(tenantId, own);
      if (!next) continue;
      this.#atWork.add(tenantId);
      void this.#work(next.job)
        .then(next.resolve, next.reject)
        .finally(() => {
          this.#atWork.delete(tenantId);
          this.#begin();
        });
    }
  }

  async #work(job: Job): Promise<Done> {
    const thread = this.#idleThread() ?? this.#startThread();
    try {
      const done = (await thread.ask(job, this.limits.timeoutMs)) as Done;
      this.#idle.push(thread);
      return done;
    } catch (error) {
      this.#threads.delete(thread);
      await thread.end();
      throw new ThreadEnded('The job took too much time or memory.', { cause: error });
    }
  }

  #idleThread(): LimitedThread | undefined {
    for (let thread = this.#idle.pop(); thread; thread = this.#idle.pop()) {
      if (!thread.hasEnded) return thread;
      this.#threads.delete(thread);
    }
    return undefined;
  }

  #startThread(): LimitedThread {
    const thread = new LimitedThread(this.script, this.limits.resourceLimits);
    this.#threads.add(thread);
    return thread;
  }
}
