import { MikroORM } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { withConnection } from '@rapport/persistence';
import { AppError, hmac } from '@rapport/platform';
import { AccountKeys } from '../storage/account-keys.js';

/** A limit on attempts in a window of time. */
export interface Limit {
  /** The counted subject, such as `sign-in 192.0.2.1`. */
  subject: string;
  attempts: number;
  windowSeconds: number;
}

/** Expired windows that each attempt removes, so that the table does not outgrow the number of attempts. */
const endedWindowsPerAttempt = 5;

/** Maximum attempts of one kind that wait in this process. */
const maxWaiting = 200;

/** Attempts of one kind share a queue. Password resets are anonymous and unlimited in number, so they must not fill the queue of sign-ins. */
export type AttemptKind = 'sign-in' | 'password-reset' | 'account';

interface Queue {
  last: Promise<unknown>;
  waiting: number;
}

/**
 * Limits guesses at a secret across all processes of auth: a fixed window per subject. It counts in the database that holds the
 * secrets, so that no guess is possible while it cannot count.
 *
 * Concurrent attempts on one account would wait for a row lock and occupy the connection pool. They queue in the process instead, on
 * one connection for each kind.
 *
 * Not RateLimiterPostgres of rate-limiter-flexible: an attempt counts against up to three limits (account and network, account,
 * network), for which that library takes a statement and a connection each. This takes one statement for all, which also deletes
 * expired windows. The queues, the refunds and the HMAC of the subject would stay ours.
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
   * Counts an attempt before it is made, so that concurrent attempts do not exceed the limit. An attempt that one limit refuses is no
   * guess and counts against none, unless another process takes the last one at the same moment: one network must not use up the
   * attempts of all others on an account.
   *
   * @throws AppError RESOURCE_EXHAUSTED TOO_MANY_ATTEMPTS
   */
  async take(kind: AttemptKind, limits: readonly Limit[]): Promise<void> {
    if (this.#queues[kind].waiting >= maxWaiting) throw tooMany(5);
    const keys = limits.map((limit) => this.#keyOf(limit));
    const seconds = limits.map(({ windowSeconds }) => windowSeconds);
    const most = limits.map(({ attempts }) => attempts);
    const full = await this.#enqueue<FullWindow>(kind, countAttempts, keys, seconds, most);
    if (full.length > 0) throw tooMany(Math.max(1, ...full.map(({ wait_seconds }) => Math.ceil(wait_seconds))));
  }

  /** Refunds an attempt that was not a wrong guess. */
  async refund(kind: AttemptKind, limits: readonly Limit[]): Promise<void> {
    const keys = limits.map((limit) => this.#keyOf(limit));
    await this.#enqueue(kind, refundAttempts, keys);
  }

  async #enqueue<Row extends object>(
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
    return hmac(this.keys.throttleKey).update(subject).digest();
  }
}

interface FullWindow {
  wait_seconds: number;
}

function tooMany(retryAfterSeconds: number): AppError {
  return new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_ATTEMPTS', 'Too many attempts. Try again later.', {
    retryAfterSeconds,
  });
}

// Rows are locked in the order of their keys, which prevents deadlocks between processes.
const countAttempts = {
  name: 'count_attempts',
  sql: `
    with cleared as (
      delete from attempt_window where key = any (array(
        select key from attempt_window where end_time <= now() and key <> all ($1::bytea[])
        order by end_time limit ${endedWindowsPerAttempt} for update skip locked))),
    wanted as (select * from unnest($1::bytea[], $2::int[], $3::int[]) as t (key, seconds, most)),
    full_before as (
      select w.end_time from attempt_window w join wanted using (key) where w.end_time > now() and w.attempts >= most),
    counted as (
      insert into attempt_window as w (key, attempts, end_time)
      select key, 1, now() + make_interval(secs => seconds) from wanted where not exists (select from full_before)
      order by key
      on conflict (key) do update set
        attempts = case when w.end_time <= now() then 1 else w.attempts + 1 end,
        end_time = case when w.end_time <= now() then excluded.end_time else w.end_time end
      returning w.key, w.attempts, w.end_time),
    full_now as (select end_time from counted join wanted using (key) where attempts > most)
    select extract(epoch from end_time - now())::float8 as wait_seconds
    from (table full_before union all table full_now) windows`,
};

const refundAttempts = {
  name: 'refund_attempts',
  sql: `
    with locked as (select key from attempt_window where key = any ($1::bytea[]) order by key for update)
    update attempt_window w set attempts = greatest(attempts - 1, 0) from locked where w.key = locked.key`,
};
