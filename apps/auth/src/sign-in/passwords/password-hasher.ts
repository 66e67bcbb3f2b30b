import { randomBytes, timingSafeEqual } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import type { OnApplicationShutdown } from '@nestjs/common';
import { AppError } from '@rapport/platform';
import type { HashDone, HashJob } from './hash-worker.js';
import { formatPhcString, parsePhcString, type PasswordHash } from './phc-string.js';

/** The least that OWASP's Password Storage Cheat Sheet asks of argon2id; about 50 ms. */
const cost = { memory: 19_456, passes: 2, parallelism: 1 };
const hashBytes = 32;
const saltBytes = 16;

/** Passwords that may wait or be worked on at a time. The last one waits for about 5 s. */
const maxUnderWay = 100;

/** A hash that is asked for. */
interface Wanted {
  job: HashJob;
  done: PromiseWithResolvers<Buffer>;
}

/**
 * Hashes passwords in a thread of its own. In Node's thread pool they would hold up whatever else needs it: files, DNS. The
 * number that wait is bounded: beyond it callers are refused with RESOURCE_EXHAUSTED. Each tenant has its turn, and it is the
 * one with the most passwords that is refused: however many wait of one, those of another are neither late nor refused.
 */
export class PasswordHasher implements OnApplicationShutdown {
  /** By tenant, the one whose turn is next first; each in the order in which they were asked for. */
  readonly #waiting = new Map<string, Wanted[]>();
  #working: Wanted | undefined;
  #underWay = 0;
  #worker: Worker | undefined;
  #lastId = 0;

  /** The PHC string to store. @param tenantId whose password it is */
  async hashPassword(password: string, tenantId = ''): Promise<string> {
    const parameters = { ...cost, salt: randomBytes(saltBytes) };
    return formatPhcString({ ...parameters, hash: await this.#hash(password, parameters, hashBytes, tenantId) });
  }

  /**
   * Whether a password is the one that was hashed.
   *
   * @param phcString undefined when there is no such account, or none with a password: takes as long, and is false
   * @param tenantId of the account
   */
  async verifyPassword(password: string, phcString: string | null | undefined, tenantId = ''): Promise<boolean> {
    const stored = phcString ? parsePhcString(phcString) : decoy();
    const hash = await this.#hash(password, stored, stored.hash.length, tenantId);
    return timingSafeEqual(hash, stored.hash);
  }

  /**
   * Refuses when a password of a tenant could not be looked at now. To be called before an attempt is counted: one that is
   * refused here was no guess.
   *
   * @throws AppError RESOURCE_EXHAUSTED PASSWORD_CHECKS_BUSY
   */
  checkRoom(tenantId = ''): void {
    if (this.#underWay < maxUnderWay) return;
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
    this.checkRoom(tenantId);
    if (this.#underWay >= maxUnderWay) this.#longestQueue()?.pop()?.done.reject(busy());
    const id = (this.#lastId += 1);
    const done = Promise.withResolvers<Buffer>();
    const job: HashJob = { id, parameters: { message: password, nonce: salt, memory, passes, parallelism, tagLength } };
    this.#underWay += 1;
    const queue = this.#waiting.get(tenantId) ?? [];
    this.#waiting.set(tenantId, queue);
    queue.push({ job, done });
    this.#worker ??= this.#startWorker();
    this.#worker.ref();
    if (!this.#working) this.#next();
    return done.promise.finally(() => {
      this.#underWay -= 1;
      // An idle thread keeps no process from ending.
      if (this.#underWay === 0) this.#worker?.unref();
    });
  }

  #longestQueue(): Wanted[] | undefined {
    return [...this.#waiting.values()].sort((one, other) => other.length - one.length)[0];
  }

  /** Has the next one hashed, of the tenant whose turn it is. */
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
    // Tests run the sources; a program is a bundle, at the root of `dist`.
    const file = import.meta.filename.endsWith('.ts') ? './hash-worker.ts' : './sign-in/passwords/hash-worker.js';
    const worker = new Worker(new URL(file, import.meta.url));
    worker.on('message', ({ id, hash }: HashDone) => {
      if (this.#working?.job.id !== id) return;
      this.#working.done.resolve(Buffer.from(hash));
      this.#next();
    });
    worker.once('error', (error) => this.#lose(worker, error));
    worker.once('exit', () => this.#lose(worker, new Error('The thread that hashes passwords has ended.')));
    return worker;
  }

  /** The next password starts another thread. */
  #lose(worker: Worker, error: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const lost = [...(this.#working ? [this.#working] : []), ...[...this.#waiting.values()].flat()];
    this.#working = undefined;
    this.#waiting.clear();
    for (const { done } of lost) done.reject(error);
  }
}

function busy(): AppError {
  const message = 'Too many people sign in now. Try again soon.';
  return new AppError('RESOURCE_EXHAUSTED', 'PASSWORD_CHECKS_BUSY', message, { retryAfterSeconds: 5 });
}

/** What no password gives. */
function decoy(): PasswordHash {
  return { ...cost, salt: randomBytes(saltBytes), hash: randomBytes(hashBytes) };
}
