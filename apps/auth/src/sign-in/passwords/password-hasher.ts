import { randomBytes, timingSafeEqual } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import type { OnApplicationShutdown } from '@nestjs/common';
import { AppError } from '@rapport/platform';
import type { HashDone, HashJob } from './hash-worker.js';
import { formatPhcString, parsePhcString, type PasswordHash } from './phc-string.js';

/** Minimum argon2id parameters of OWASP's Password Storage Cheat Sheet. One hash takes about 50 ms. */
const cost = { memory: 19_456, passes: 2, parallelism: 1 };
const hashBytes = 32;
const saltBytes = 16;

/** Maximum number of pending hashes. The last one waits for about 5 s. */
const maxPending = 100;

/** A requested hash. */
interface PendingHash {
  job: HashJob;
  done: PromiseWithResolvers<Buffer>;
}

/**
 * Hashes passwords in a worker thread. In Node's thread pool, 100 queued hashes delayed a file read by 3.4 s. The number of pending
 * hashes is bounded: beyond it, calls fail with RESOURCE_EXHAUSTED. Tenants take turns, and the tenant with the longest queue is
 * refused first, so that many sign-ins of one tenant neither delay nor refuse those of another.
 *
 * Not piscina: it limits the total of its queue and leaves the order to a queue of the caller's. The queues by tenant, with turns and
 * eviction from the longest, would stay ours, and the worker itself is some 30 lines.
 */
export class PasswordHasher implements OnApplicationShutdown {
  /** By tenant, in the order of their turns. Each queue is in the order of the requests. */
  readonly #waiting = new Map<string, PendingHash[]>();
  #working: PendingHash | undefined;
  #pending = 0;
  #worker: Worker | undefined;
  #lastId = 0;

  /** Returns the PHC string to store. @param tenantId tenant of the user */
  async hashPassword(password: string, tenantId = ''): Promise<string> {
    const parameters = { ...cost, salt: randomBytes(saltBytes) };
    return formatPhcString({ ...parameters, hash: await this.#hash(password, parameters, hashBytes, tenantId) });
  }

  /**
   * Whether a password matches a stored hash.
   *
   * @param phcString undefined for an unknown account or one without a password: the call takes as long and returns false
   * @param tenantId tenant of the account
   */
  async verifyPassword(password: string, phcString: string | null | undefined, tenantId = ''): Promise<boolean> {
    const stored = phcString ? parsePhcString(phcString) : dummyHash();
    const hash = await this.#hash(password, stored, stored.hash.length, tenantId);
    return timingSafeEqual(hash, stored.hash);
  }

  /**
   * Refuses when the queue has no capacity for a password of a tenant. Call it before an attempt is counted: a refused attempt
   * is not a guess.
   *
   * @throws AppError RESOURCE_EXHAUSTED PASSWORD_CHECKS_BUSY
   */
  checkCapacity(tenantId = ''): void {
    if (this.#pending < maxPending) return;
    const most = this.#longestQueue()?.length ?? 0;
    if (most <= (this.#waiting.get(tenantId)?.length ?? 0) + 1) throw busy();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#worker?.terminate();
  }

  #hash(
    password: string,
    { salt, memory, passes, parallelism }: Omit<PasswordHash, 'hash'>,
    tagLength: number,
    tenantId: string,
  ): Promise<Buffer> {
    this.checkCapacity(tenantId);
    if (this.#pending >= maxPending) this.#longestQueue()?.pop()?.done.reject(busy());
    const id = (this.#lastId += 1);
    const done = Promise.withResolvers<Buffer>();
    const job: HashJob = { id, parameters: { message: password, nonce: salt, memory, passes, parallelism, tagLength } };
    this.#pending += 1;
    const queue = this.#waiting.get(tenantId) ?? [];
    this.#waiting.set(tenantId, queue);
    queue.push({ job, done });
    this.#worker ??= this.#startWorker();
    this.#worker.ref();
    if (!this.#working) this.#next();
    return done.promise.finally(() => {
      this.#pending -= 1;
      // An idle worker must not keep the process alive.
      if (this.#pending === 0) this.#worker?.unref();
    });
  }

  #longestQueue(): PendingHash[] | undefined {
    return [...this.#waiting.values()].sort((one, other) => other.length - one.length)[0];
  }

  /** Starts the next hash, of the tenant whose turn it is. */
  #next(): void {
    this.#working = undefined;
    for (const [tenantId, queue] of this.#waiting) {
      this.#working = queue.shift();
      this.#waiting.delete(tenantId);
      if (queue.length > 0) this.#waiting.set(tenantId, queue);
      if (!this.#working) continue;
      this.#worker?.postMessage(this.#working.job);
      return;
    }
  }

  #startWorker(): Worker {
    // Tests run the sources. Programs are bundles at the root of `dist`.
    const file = import.meta.filename.endsWith('.ts') ? './hash-worker.ts' : './sign-in/passwords/hash-worker.js';
    const worker = new Worker(new URL(file, import.meta.url));
    worker.on('message', ({ id, hash }: HashDone) => {
      if (this.#working?.job.id !== id) return;
      this.#working.done.resolve(Buffer.from(hash));
      this.#next();
    });
    worker.once('error', (error) => this.#fail(worker, error));
    worker.once('exit', () => this.#fail(worker, new Error('The password worker has exited.')));
    return worker;
  }

  /** Rejects all pending hashes. The next request starts another worker. */
  #fail(worker: Worker, error: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const lost = [...(this.#working ? [this.#working] : []), ...[...this.#waiting.values()].flat()];
    this.#working = undefined;
    this.#waiting.clear();
    for (const { done } of lost) done.reject(error);
  }
}

function busy(): AppError {
  const message = 'Too many sign-ins at the moment. Try again later.';
  return new AppError('RESOURCE_EXHAUSTED', 'PASSWORD_CHECKS_BUSY', message, { retryAfterSeconds: 5 });
}

/** Parameters and a random hash that no password matches. */
function dummyHash(): PasswordHash {
  return { ...cost, salt: randomBytes(saltBytes), hash: randomBytes(hashBytes) };
}
