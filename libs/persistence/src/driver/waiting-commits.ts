import { Logger } from '@nestjs/common';
import pg, { type Pool, type PoolClient } from 'pg';

/**
 * Time in which the server ends the statement of a closed connection, in milliseconds: `client_connection_check_interval`
 * and a little more. What does not wait by then never will.
 */
const settleMs = 300;

/** How often the server is asked, in milliseconds. A timer may be early. */
const lookMs = settleMs + 10;

/** How long the server may take to answer, in milliseconds, before it is asked on another connection. */
const answerMs = 2_000;

/** How long the connection to ask on is preserved for the next question, in milliseconds. */
const idleMs = 10_000;

/** Not in @types/pg. Until the server is ready for a query, it may run one, although pg no longer waits for it. */
type Backend = PoolClient & { processID: number; readyForQuery: boolean };

interface Abandoned {
  pid: number;
  /** Time by `performance.now()`. */
  closedAt: number;
  done: () => void;
}

/**
 * Follows the backends of closed connections while their commits wait for a standby. No limit ends that wait: PostgreSQL
 * disables `statement_timeout` before a commit, and does not look at the connection before a standby has answered. A pool
 * that opened other connections in the meantime would take those of the server that reads and other processes need.
 *
 * One query on a connection outside the pool looks all of them up. While the server does not answer it, they keep their
 * places: a place without a connection is good only for a new one, which that server would refuse as well. After a
 * promotion the new server does not know them.
 */
export class WaitingCommits {
  readonly #logger = new Logger('Database');
  readonly #observer: Pool;
  #abandoned: Abandoned[] = [];
  #nextLook: NodeJS.Timeout | undefined;
  #warned: string | undefined;
  #isEnded = false;

  /** @param pool whose server is asked, with its options */
  constructor({ options }: Pool) {
    this.#observer = new pg.Pool({
      ...options,
      // pg-pool hides it from copies.
      password: options.password,
      ...{ min: 0, max: 1, connectionTimeoutMillis: answerMs, query_timeout: answerMs, idleTimeoutMillis: idleMs },
      allowExitOnIdle: true,
      // A standby may answer as well: no commit waits there.
      verify: undefined,
    });
    this.#observer.on('error', (error) => this.#logger.debug(`An idle connection was lost: ${String(error)}`));
  }

  /**
   * @param client of a closed connection
   * @param done called once its backend does not wait for a standby, or at the end; at once when it ran nothing
   */
  follow(client: PoolClient, done: () => void): void {
    const { processID: pid, readyForQuery } = client as Backend;
    if (readyForQuery || this.#isEnded) return done();
    this.#abandoned.push({ pid, closedAt: performance.now(), done });
    if (this.#abandoned.length === 1) this.#lookLater();
  }

  /** Follows none any more. */
  async end(): Promise<void> {
    this.#isEnded = true;
    clearTimeout(this.#nextLook);
    for (const { done } of this.#abandoned.splice(0)) done();
    await this.#observer.end();
  }

  #lookLater(): void {
    this.#nextLook = setTimeout(() => void this.#look(), lookMs).unref();
  }

  async #look(): Promise<void> {
    const closedBefore = performance.now() - settleMs;
    const due = this.#abandoned.filter(({ closedAt }) => closedAt <= closedBefore);
    const waiting = await this.#waitingOf(due.map(({ pid }) => pid));
    const over = this.#abandoned.filter((each) => due.includes(each) && !waiting.has(each.pid));
    this.#abandoned = this.#abandoned.filter((each) => !over.includes(each));
    if (this.#abandoned.length > 0) this.#lookLater();
    for (const { done } of over) done();
  }

  /** Never rejects. @returns the backends that wait; all, if the server does not say */
  async #waitingOf(pids: readonly number[]): Promise<ReadonlySet<number>> {
    try {
      const { rows } = await this.#observer.query<{ pid: number }>(
        `select pid from pg_stat_activity where pid = any ($1) and wait_event = 'SyncRep'`,
        [pids],
      );
      this.#logOnce(rows.length > 0 ? 'Commits of calls that have ended wait for a standby.' : undefined);
      return new Set(rows.map(({ pid }) => pid));
    } catch (error) {
      this.#logOnce(`The server does not say which commits wait for a standby: ${String(error)}`);
      return new Set(pids);
    }
  }

  /** Logged once per outage. */
  #logOnce(warning: string | undefined): void {
    if (warning !== undefined && this.#warned !== warning) this.#logger.warn(warning);
    this.#warned = warning;
  }
}
