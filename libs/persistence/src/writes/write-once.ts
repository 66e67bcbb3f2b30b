import { setTimeout as delay } from 'node:timers/promises';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { QueryResultRow } from 'pg';
import { isConflict, isConnectionLoss } from '../database-errors.js';
import { withConnection } from '../connections/pooled-connection.js';
import { AnsweredBefore, Idempotency } from './idempotency.js';
import { lockTimeout } from './lock-timeout.js';
import { StatementTransaction } from './statement-transaction.js';
import { transactionPipeline, Unexplained } from './transaction-pipeline.js';
import type { WriteCall } from './write-call.js';

/** A write as its caller asked for it. */
const maxRetries = 3;

/**
 * Does a write in one transaction, and a repetition of it never again: the answer is stored with the write under the
 * caller's key for 24 hours, and who repeats the call gets that answer.
 * (IETF draft-ietf-httpapi-idempotency-key-header)
 *
 * `work` may run more than once, each time in a new transaction with an EntityManager that knows no entity yet: after a
 * conflict with another transaction always, after a lost connection only with a key, since a commit may have been done. Not
 * after too long a wait for a lock, which whoever asked may do again.
 *
 * @throws AppError ABORTED IDEMPOTENCY_KEY_IN_USE while the same key is at work in another call
 * @throws AppError FAILED_PRECONDITION IDEMPOTENCY_KEY_REUSED when the key came with another method or request before
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
 * As `writeOnce`, for writes that are done so often that the round trips and the bookkeeping of a unit of work count.
 * The answer must be known before the statements that `work` leaves for later have run: what they may still find out is
 * told by their errors.
 */
export function writeStatementsOnce<Response>(
  em: EntityManager,
  call: WriteCall<Response>,
  work: (transaction: StatementTransaction) => Promise<Response>,
): Promise<Response> {
  return untilDone(em, call, () =>
    withConnection(em, async (client) => {
      if (call.validateOnly) {
        const transaction = new StatementTransaction(client);
        const response = await work(transaction);
        await transaction.rollBack();
        return response;
      }
      const idempotency = call.requestId === undefined ? undefined : new Idempotency(call, call.requestId);
      const transaction = new StatementTransaction(client, idempotency && openingOf(idempotency));
      const response = await work(transaction).catch(async (error: unknown) => {
        // A repetition gets the answer that the call had, whatever would be wrong with it now.
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
  attempt: () => Promise<Response>,
): Promise<Response> {
  for (let retry = 0; ; retry += 1) {
    try {
      return await attempt();
    } catch (failure) {
      const error = failure instanceof Unexplained ? await failure.explained(em) : failure;
      if (error instanceof AnsweredBefore) return error.response as Response;
      const mayRetry = isConflict(error) || (isConnectionLoss(error) && call.requestId !== undefined);
      if (!mayRetry || retry === maxRetries) throw error;
      await delay((retry + 1) * (20 + Math.random() * 80));
    }
  }
}

/** Does the work and rolls it back. */
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
        // What would be checked at the commit.
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

/** Thrown to roll a transaction back. */
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
  // What `work` left to the end of the unit of work fails here, not after the answer is stored.
  await em.flush();
  await transactionPipeline(em, idempotency.store(response));
  return response;
}
