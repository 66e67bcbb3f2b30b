import { createHmac } from 'node:crypto';
import { MikroORM } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AppError } from '@rapport/platform';
import { AccountKeys } from '../account-keys.js';

/** Something that may be tried so often. */
export interface Limit {
  /** What is counted, such as `address 192.0.2.1`. */
  subject: string;
  attempts: number;
  windowSeconds: number;
}

/** Windows that are over and are removed with each attempt, so that the table stays in proportion to what is tried. */
const endedWindowsPerAttempt = 5;

/**
 * Bounds how often a secret may be guessed, over all processes of auth. It counts in the database, in which the secrets are: while
 * it can't count, nothing can be tried.
 */
@Injectable()
export class Throttle {
  constructor(
    private readonly orm: MikroORM,
    private readonly keys: AccountKeys,
  ) {}

  /**
   * Counts an attempt before it is made, so that many at the same time are no more than as many one after the other.
   *
   * @throws AppError RESOURCE_EXHAUSTED TOO_MANY_ATTEMPTS
   */
  async take(limits: readonly Limit[]): Promise<void> {
    const counted = limits
      .map((limit) => ({ ...limit, key: this.#keyOf(limit) }))
      // Two attempts that lock the same windows in the same order do not wait for each other in a circle.
      .sort((one, other) => Buffer.compare(one.key, other.key));
    const waits: number[] = [];
    await this.orm.em.fork().transactional(async (em) => {
      for (const { key, attempts, windowSeconds } of counted) {
        const [row] = await em.execute<{ attempts: number; wait_seconds: number }[]>(countAttempt, [
          key,
          windowSeconds,
        ]);
        if (row && row.attempts > attempts) waits.push(row.wait_seconds);
      }
      await em.execute(clearEnded);
    });
    if (waits.length === 0) return;
    throw new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_ATTEMPTS', 'Too many attempts. Try again later.', {
      retryAfterSeconds: Math.max(1, ...waits.map(Math.ceil)),
    });
  }

  /** Takes back an attempt that was no guess. */
  async giveBack(limits: readonly Limit[]): Promise<void> {
    const keys = limits.map((limit) => this.#keyOf(limit)).sort((one, other) => Buffer.compare(one, other));
    await this.orm.em.fork().transactional(async (em) => {
      for (const key of keys) {
        await em.execute('update attempt_window set attempts = greatest(attempts - 1, 0) where key = ?', [key]);
      }
    });
  }

  #keyOf({ subject }: Limit): Buffer {
    return createHmac('sha256', this.keys.throttleKey).update(subject).digest();
  }
}

const countAttempt = `
  insert into attempt_window as w (key, attempts, end_time) values (?, 1, now() + make_interval(secs => ?))
  on conflict (key) do update set
    attempts = case when w.end_time <= now() then 1 else w.attempts + 1 end,
    end_time = case when w.end_time <= now() then excluded.end_time else w.end_time end
  returning attempts, extract(epoch from end_time - now())::float8 as wait_seconds`;

const clearEnded = `
  delete from attempt_window where key in (
    select key from attempt_window where end_time <= now() order by end_time limit ${endedWindowsPerAttempt}
    for update skip locked)`;
