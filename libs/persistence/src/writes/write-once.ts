import { setTimeout as delay } from 'node:timers/promises';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { QueryResultRow } from 'pg';
import { isConflict, isConnectionLoss } from '../database-errors.js';
import { withConnection } from '../connections/pooled-connection.js';
import { AnsweredBefore, Idempotency } from './idempotency.js';
import { lockTimeout } from './lock-timeout.js';
import { NotAsExpected, StatementTransaction } from './statement-transaction.js';
import { transactionPipeline, Unexplained } from './transaction-pipeline.js';
import type { WriteCall } from './write-call.js';

/** A write as its caller requested it. */
const maxRetries = 3;

/**
 * Runs a write in one transaction, at most once per idempotency key: the response is stored with the write under the
 * caller's key for 24 hours, and a repeated call gets that response (IETF draft-ietf-httpapi-idempotency-key-header).
 *
 * `work` may run more than once, each time in a new transaction with a fresh EntityManager: after a conflict with
 * another transaction always; after a lost connection only with a key, since the commit may have succeeded. Not after a
 * lock timeout, which the caller can retry.
 *
 * @throws AppError ABORTED IDEMPOTENCY_KEY_IN_USE while another call with the key is in progress
 * @throws AppError FAILED_PRECONDITION IDEMPOTENCY_KEY_REUSED when the key was used with another method or request
 */
export function writeOnce<Response>(
  em: EntityManager,
  call: WriteCall<Response>,
  work: (em: EntityManager) => Promise<Response>,
): Promise<Response> {
  return untilDone(em, call, () => {
    const writer = em.fork({ session: { variables: { ...em.getSessionContext()?.variables, ...lockTimeout } } });
    if (call.validateOnly) return tryWrite(writer, work);
    return writer.transactional(
      (transaction) =>
        call.requestId === undefined
          ? work(transaction)
          : once(transaction, new Idempotency(call, call.requestId), work),
      { clear: true },
    );
  });
}

/**
 * As `writeOnce`, for writes that are frequent enough that round trips and a unit of work's bookkeeping matter. The
 * response must be known before the statements that `work` queues have run: they report problems by their errors.
 */
export function writeStatementsOnce<Response>(
  em: EntityManager,
  call: WriteCall<Response>,
  work: (transaction: StatementTransaction) => Promise<Response>,
): Promise<Response> {
  return untilDone(em, call, (expects) =>
    withConnection(em, async (client) => {
      if (call.validateOnly) {
        const transaction = new StatementTransaction(client, undefined, expects);
        const response = await work(transaction);
        await transaction.rollBack();
        return response;
      }
      const idempotency = call.requestId === undefined ? undefined : new Idempotency(call, call.requestId);
      const transaction = new StatementTransaction(client, idempotency && openingOf(idempotency), expects);
      const response = await work(transaction).catch(async (error: unknown) => {
        // A repetition gets the stored response, even if the request is invalid by now.
        if (idempotency) await transaction.begin();
        throw error;
      });
      await transaction.commit(idempotency?.store(response));
      return response;
    }),
  );
}

function openingOf<Response>(idempotency: Idempotency<Response>) {
  const { lock, find } = idempotency;
  return { statements: [lock], first: { statement: find, check: (rows: QueryResultRow[]) => idempotency.check(rows) } };
}

async function untilDone<Response>(
  em: EntityManager,
  call: WriteCall<Response>,
  attempt: (expects: boolean) => Promise<Response>,
): Promise<Response> {
  let expects = true;
  for (let retry = 0; ; retry += 1) {
    try {
      return await attempt(expects);
    } catch (failure) {
      if (failure instanceof NotAsExpected) {
        expects = false;
        continue;
      }
      const error = failure instanceof Unexplained ? await failure.explained(em) : failure;
      if (error instanceof AnsweredBefore) {
        await replicated(em);
        return error.response as Response;
      }
      const mayRetry = isConflict(error) || (isConnectionLoss(error) && call.requestId !== undefined);
      if (!mayRetry || retry === maxRetries) throw error;
      await delay((retry + 1) * (20 + Math.random() * 80));
    }
  }
}

/**
 * Resolves when a standby has everything that is committed by now. The first write may be visible without that: its wait was cancelled,
 * or the server restarted meanwhile. This commit waits in its place, as it has a transaction id.
 */
async function replicated(em: EntityManager): Promise<void> {
  const text = `select pg_logical_emit_message(true, 'rapport', '')`;
  await withConnection(em, (client) => client.query({ name: 'await_replication', text }));
}

/** Runs the work and rolls it back. */
async function tryWrite<Response>(
  em: EntityManager,
  work: (em: EntityManager) => Promise<Response>,
): Promise<Response> {
  const done = new WriteTried<Response>();
  try {
    return await em.transactional(
      async (transaction) => {
        done.response = await work(transaction);
        await transaction.flush();
        // The checks of the commit.
        await transaction.execute('set constraints all immediate');
        throw done;
      },
      { clear: true },
    );
  } catch (error) {
    if (error === done) return done.response as Response;
    throw error;
  }
}

/** Thrown to roll back a transaction. */
class WriteTried<Response> extends Error {
  response: Response | undefined;
}

async function once<Response>(
  em: EntityManager,
  idempotency: Idempotency<Response>,
  work: (em: EntityManager) => Promise<Response>,
): Promise<Response> {
  const { lock, find } = idempotency;
  const [, earlier = []] = await transactionPipeline(em, [lock, find]);
  idempotency.check(earlier);
  const response = await work(em);
  // What `work` left to the flush of the unit of work fails here, before the response is stored.
  await em.flush();
  await transactionPipeline(em, idempotency.store(response));
  return response;
}
