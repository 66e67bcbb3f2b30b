import { createHmac } from 'node:crypto';
import { MikroORM } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { withConnection } from '@rapport/persistence';
import { AppError } from '@rapport/platform';
import { AccountKeys } from '../storage/account-keys.js';

/** Something that may be tried so often. */
export interface Limit {
  /** What is counted, such as `address 192.0.2.1`. */
  subject: string;
  attempts: number;
  windowSeconds: number;
}

/** Windows that are over and are removed with each attempt, so that the table stays in proportion to what is tried. */
const endedWindowsPerAttempt = 5;

/** Attempts of one kind that may wait to be counted in this process. */
const maxWaiting = 200;

/** Attempts of one kind share a queue. Password resets are anonymous and unlimited in number, so they must not fill that of sign-ins. */
export type AttemptKind = 'sign-in' | 'password-reset' | 'account';

interface Queue {
  last: Promise<unknown>;
  waiting: number;
}

/**
 * Bounds how often a secret may be guessed, over all processes of auth. It counts in the database, in which the secrets are: while
 * it can't count, nothing can be tried.
 *
 * Many guesses at one account wait for each other's rows. They do so here, one after the other and on one connection for each
 * kind, and not in the database, where they would hold all connections of the process.
 */
@Injectable()
export class Throttle {
  readonly #queues: Readonly<Record<AttemptKind, Queue>> = {
    'sign-in': { last: Promise.resolve(), waiting: 0 },
    'password-reset': { last: Promise.resolve(), waiting: 0 },
    account: { last: Promise.resolve(), waiting: 0 },
  };

  constructor(
    private readonly orm: MikroORM,
    private readonly keys: AccountKeys,
  ) {}

  /**
   * Counts an attempt before it is made, so that many at the same time are no more than as many one after the other.
   *
   * @throws AppError RESOURCE_EXHAUSTED TOO_MANY_ATTEMPTS
   */
  async take(kind: AttemptKind, limits: readonly Limit[]): Promise<void> {
    if (this.#queues[kind].waiting >= maxWaiting) throw tooMany(5);
    const counted = limits.map((limit) => ({ ...limit, key: this.#keyOf(limit) }));
    const keys = counted.map(({ key }) => key);
    const seconds = counted.map(({ windowSeconds }) => windowSeconds);
    const rows = await this.#inTurn<CountedWindow>(kind, countAttempts, keys, seconds);
    const waits = counted.flatMap(({ key, attempts }) =>
      rows.filter((row) => row.key.equals(key) && row.attempts > attempts).map(({ wait_seconds }) => wait_seconds),
    );
    if (waits.length > 0) throw tooMany(Math.max(1, ...waits.map(Math.ceil)));
  }

  /** Takes back an attempt that was no guess. */
  async giveBack(kind: AttemptKind, limits: readonly Limit[]): Promise<void> {
    const keys = limits.map((limit) => this.#keyOf(limit));
    await this.#inTurn(kind, giveBackAttempts, keys);
  }

  async #inTurn<Row extends object>(
    kind: AttemptKind,
    { name, sql }: typeof countAttempts,
    ...values: unknown[]
  ): Promise<Row[]> {
    const queue = this.#queues[kind];
    queue.waiting += 1;
    const run = () => withConnection(this.orm.em.fork(), (client) => client.query<Row>({ name, text: sql, values }));
    const done = queue.last.then(run);
    queue.last = done.catch(() => undefined);
    try {
      return (await done).rows;
    } finally {
      queue.waiting -= 1;
    }
  }

  #keyOf({ subject }: Limit): Buffer {
    return createHmac('sha256', this.keys.throttleKey).update(subject).digest();
  }
}

interface CountedWindow {
  key: Buffer;
  attempts: number;
  wait_seconds: number;
}

function tooMany(retryAfterSeconds: number): AppError {
  return new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_ATTEMPTS', 'Too many attempts. Try again later.', {
    retryAfterSeconds,
  });
}

// All lock their rows in one order, so that two processes do not wait for each other in a circle.
const countAttempts = {
  name: 'count_attempts',
  sql: `
    with cleared as (
      delete from attempt_window where key = any (array(
        select key from attempt_window where end_time <= now() and key <> all ($1::bytea[])
        order by end_time limit ${endedWindowsPerAttempt} for update skip locked)))
    insert into attempt_window as w (key, attempts, end_time)
    select key, 1, now() + make_interval(secs => seconds) from unnest($1::bytea[], $2::int[]) as t (key, seconds)
    order by key
    on conflict (key) do update set
      attempts = case when w.end_time <= now() then 1 else w.attempts + 1 end,
      end_time = case when w.end_time <= now() then excluded.end_time else w.end_time end
    returning w.key, w.attempts, extract(epoch from w.end_time - now())::float8 as wait_seconds`,
};

const giveBackAttempts = {
  name: 'give_back_attempts',
  sql: `
    with locked as (select key from attempt_window where key = any ($1::bytea[]) order by key for update)
    update attempt_window w set attempts = greatest(attempts - 1, 0) from locked where w.key = locked.key`,
};
