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

/**
 * Hashes passwords in a thread of its own. In Node's thread pool they would hold up whatever else needs it: files, DNS. The
 * number that wait is bounded: beyond it callers are refused with RESOURCE_EXHAUSTED, whoever they are.
 */
export class PasswordHasher implements OnApplicationShutdown {
  readonly #underWay = new Map<number, PromiseWithResolvers<Buffer>>();
  #worker: Worker | undefined;
  #lastId = 0;

  /** The PHC string to store. */
  async hashPassword(password: string): Promise<string> {
    const parameters = { ...cost, salt: randomBytes(saltBytes) };
    return formatPhcString({ ...parameters, hash: await this.#hash(password, parameters, hashBytes) });
  }

  /**
   * Whether a password is the one that was hashed.
   *
   * @param phcString undefined when there is no such account, or none with a password: takes as long, and is false
   */
  async verifyPassword(password: string, phcString: string | null | undefined): Promise<boolean> {
    const stored = phcString ? parsePhcString(phcString) : decoy();
    const hash = await this.#hash(password, stored, stored.hash.length);
    return timingSafeEqual(hash, stored.hash);
  }

  /**
   * Refuses when a password could not be looked at now. To be called before an attempt is counted: one that is refused here
   * was no guess.
   *
   * @throws AppError RESOURCE_EXHAUSTED PASSWORD_CHECKS_BUSY
   */
  checkRoom(): void {
    if (this.#underWay.size >= maxUnderWay) {
      throw new AppError('RESOURCE_EXHAUSTED', 'PASSWORD_CHECKS_BUSY', 'Too many people sign in now. Try again soon.', {
        retryAfterSeconds: 5,
      });
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#worker?.terminate();
  }

  #hash(password: string, { salt, memory, passes, parallelism }: Omit<PasswordHash, 'hash'>, tagLength: number) {
    this.checkRoom();
    const id = (this.#lastId += 1);
    const done = Promise.withResolvers<Buffer>();
    this.#underWay.set(id, done);
    const job: HashJob = { id, parameters: { message: password, nonce: salt, memory, passes, parallelism, tagLength } };
    this.#worker ??= this.#startWorker();
    this.#worker.ref();
    this.#worker.postMessage(job);
    return done.promise.finally(() => {
      this.#underWay.delete(id);
      // An idle thread keeps no process from ending.
      if (this.#underWay.size === 0) this.#worker?.unref();
    });
  }

  #startWorker(): Worker {
    // Tests run the sources; a program is a bundle, at the root of `dist`.
    const file = import.meta.filename.endsWith('.ts') ? './hash-worker.ts' : './passwords/hash-worker.js';
    const worker = new Worker(new URL(file, import.meta.url));
    worker.on('message', ({ id, hash }: HashDone) => this.#underWay.get(id)?.resolve(Buffer.from(hash)));
    worker.once('error', (error) => this.#lose(worker, error));
    worker.once('exit', () => this.#lose(worker, new Error('The thread that hashes passwords has ended.')));
    return worker;
  }

  /** The next password starts another thread. */
  #lose(worker: Worker, error: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    for (const { reject } of this.#underWay.values()) reject(error);
  }
}

/** What no password gives. */
function decoy(): PasswordHash {
  return { ...cost, salt: randomBytes(saltBytes), hash: randomBytes(hashBytes) };
}
