import { Logger } from '@nestjs/common';
import { callContext, metrics } from '@rapport/platform';
import type { Connection, Pool, PoolClient } from 'pg';
import { Counter } from 'prom-client';
import { isConnectionLoss, isReadTimeout, isStorageFull } from '../database-errors.js';
import { OpenConnections } from './open-connections.js';
import { waitForNoAnswer } from './pipeline.js';
import { clientGone, PoolSlots } from './pool-slots.js';
import { runObserved, type QueryInput } from './query-input.js';
import { startStatementSpan } from './statement-span.js';
import { WaitingCommits } from './waiting-commits.js';

export interface PoolStages {
  /** Called after each transaction that may have written, see `noticeWrites`. */
  onWritten?: (() => void) | undefined;
  /** Whether statements become spans. */
  isTracing?: boolean;
}

/** When all connections are busy for this long, the call is refused. In milliseconds. */
const waitMs = 2_000;

const unreplicatedCommits = new Counter({
  name: 'rapport_unreplicated_commits_total',
  help: 'Commits whose wait for a standby was cancelled. They are not acknowledged, and may be lost with the primary.',
  registers: [metrics],
});

const refusedByFullStorage = new Counter({
  name: 'rapport_storage_full_total',
  help: 'Statements that PostgreSQL refused because a volume of it is full.',
  registers: [metrics],
});

type Query = (...input: unknown[]) => unknown;
type Callback = Parameters<Pool['connect']>[0];

/**
 * Everything between pg's pool and the code that uses its connections: the only place that replaces functions of pg.
 * MikroORM and Kysely take connections by `pool.connect` and have no other extension point.
 *
 * A connection passes these stages:
 * 1. the turn of its tenant (`PoolSlots`),
 * 2. pg's own pool, which connects and checks that the server is a primary; while that refuses new connections, the open ones,
 * 3. a loan, which ends when the holder returns the connection, when it is lost, or when the client of the call has
 * gone.
 *
 * A query passes these stages: its span, pg, the check for a lost connection.
 */
export function stagePool(pool: Pool, { onWritten, isTracing = false }: PoolStages = {}): void {
  const places = new PoolSlots(pool.options.max, waitMs);
  const loans = new WeakMap<PoolClient, Loan>();
  const waitingCommits = new WaitingCommits(pool);
  const connections = new OpenConnections(pool, pool.connect.bind(pool) as () => Promise<PoolClient>);
  const end: () => Promise<void> = pool.end.bind(pool);

  pool.on('connect', (client) => {
    const lose = () => loans.get(client)?.lose();
    /** The server has committed, and says so behind the notice, in the same packet. */
    let isUnreplicated = false;
    client.once('end', lose);
    client.on('notice', ({ routine }) => {
      if (routine !== waitForStandby) return;
      unreplicatedCommits.inc();
      isUnreplicated = true;
      lose();
    });
    const query = client.query.bind(client) as Query;
    const staged: Query = (...input) => {
      loans.get(client)?.refuseMore();
      const endSpan = isTracing ? startStatementSpan(input[0] as QueryInput) : undefined;
      return runObserved(query, input, (error) => {
        // After `query_timeout` pg only stops waiting: without this, the connection would be reused while the server
        // may still run the query.
        if (isReadTimeout(error)) loans.get(client)?.abandon();
        else if (isConnectionLoss(error)) lose();
        else if (isStorageFull(error)) refusedByFullStorage.inc();
        const failure = error || !isUnreplicated ? undefined : waitCancelled();
        endSpan?.(error ?? failure);
        return failure;
      });
    };
    client.query = staged as typeof client.query;
    if (onWritten) noticeWrites(client, onWritten);
  });

  const lend = async () => {
    const leave = await places.enter();
    let client: PoolClient;
    try {
      client = await connections.take();
    } catch (error) {
      leave();
      throw error;
    }
    const { gone, isRead = false } = callContext.getStore() ?? {};
    // No commit of a read waits.
    const leaveLater = isRead ? leave : () => waitingCommits.follow(client, leave);
    loans.set(client, new Loan(client, { leave, leaveLater }, gone));
    return client;
  };
  const connectInStages = (callback?: Callback) => {
    if (!callback) return lend();
    return void lend().then(
      (client) => callback(undefined, client, (error?: Error | boolean) => client.release(error)),
      (error: Error) => callback(error, undefined, () => undefined),
    );
  };
  pool.connect = connectInStages as Pool['connect'];
  pool.end = async () => {
    await Promise.all([end(), waitingCommits.end()]);
  };
}

/**
 * The function of PostgreSQL in which a COMMIT waits for a standby. When an operator cancels it, it warns and reports success, although the
 * transaction is lost if the primary is. https://www.postgresql.org/docs/18/warm-standby.html#SYNCHRONOUS-REPLICATION-HA
 */
const waitForStandby = 'SyncRepWaitForLSN';

/** As after a lost connection, of which it has the text: the outcome is not certain. */
function waitCancelled(): Error {
  return new Error('Connection terminated: the wait of a commit for a standby was cancelled.');
}

/** The ways to give the place of a connection back. */
interface Leaving {
  leave: () => void;
  /** For a connection whose backend may still run a statement. */
  leaveLater: () => void;
}

/** How long a statement still runs after the client of its call has disconnected, in milliseconds. */
const lastMomentMs = 100;

/**
 * The time that a connection spends outside the pool. It ends early, and closes the connection,
 * - when the connection is lost: Kysely (0.29), which MikroORM uses, does not return a connection whose BEGIN, COMMIT
 * or ROLLBACK fails, so each loss would shrink the pool until no call gets a connection;
 * - when the client of the call has gone. This is how a deadline reaches the database: the server notices the closed
 * connection within `client_connection_check_interval` and stops the statement. A cancel request would preserve the
 * connection, but is not bound to a statement: it may cancel the next one, of another call. A running statement may
 * complete first, if it takes a moment: a new connection costs the server as much as a hundred writes, and clients
 * leave together when all calls are slow.
 */
class Loan {
  readonly #release: (error?: Error | boolean) => void;
  /** Runs once the client of the call has gone. */
  #lastMoment: NodeJS.Timeout | undefined;
  #state: 'open' | 'returned' | 'ended' = 'open';

  /** @throws AppError CANCELLED when the client of the call has gone */
  constructor(
    private readonly client: PoolClient,
    private readonly leaving: Leaving,
    private readonly gone: AbortSignal | undefined,
  ) {
    this.#release = client.release.bind(client);
    client.release = (error) => this.#giveBack(error);
    if (gone?.aborted) {
      this.#giveBack();
      throw clientGone();
    }
    gone?.addEventListener('abort', this.#endSoon, { once: true });
  }

  /** Of a call whose client has gone, no further statement runs. */
  refuseMore(): void {
    if (this.#lastMoment) this.#end();
  }

  /** The connection is lost, or has run a statement whose result is of no use. */
  lose(leave = this.leaving.leave): void {
    if (this.#state !== 'open') return;
    new Logger('Database').warn('A connection was lost while it was in use.');
    this.#end(leave);
  }

  /** The server may still run a statement whose result nothing awaits. */
  abandon(): void {
    this.lose(this.leaving.leaveLater);
  }

  #giveBack(error?: Error | boolean): void {
    // The holder also returns a connection whose loan has ended. pg-pool would reject that return; it still rejects a
    // second one.
    if (this.#state === 'ended') return;
    this.#release(error);
    this.#close('returned');
    this.leaving.leave();
  }

  readonly #endSoon = (): void => {
    this.#lastMoment = setTimeout(() => this.#end(), lastMomentMs);
  };

  #end(leave = this.leaving.leaveLater): void {
    if (this.#state !== 'open') return;
    waitForNoAnswer(this.client);
    this.#release(true);
    this.#close('ended');
    leave();
  }

  #close(state: 'returned' | 'ended'): void {
    this.#state = state;
    this.gone?.removeEventListener('abort', this.#endSoon);
    clearTimeout(this.#lastMoment);
  }
}

/** The command tag of each command that may have written, except a SELECT that contains one. */
const written = /^(INSERT|UPDATE|DELETE|MERGE|COPY)\b/;

/**
 * Calls `onWritten` after each transaction in which the connection has written, whatever sent the statements. It may be
 * called after a rollback, and is not called for writes within a SELECT (`with … insert … select`) alone.
 */
function noticeWrites(client: PoolClient, onWritten: () => void): void {
  // Not in @types/pg: the connection emits each message of the server under the message's name.
  const { connection } = client as unknown as { connection: Connection };
  let hasWritten = false;
  connection.on('commandComplete', ({ text }: { text: string }) => {
    if (written.test(text)) hasWritten = true;
  });
  connection.on('readyForQuery', ({ status }: { status: string }) => {
    if (!hasWritten || status !== 'I') return;
    hasWritten = false;
    onWritten();
  });
}
