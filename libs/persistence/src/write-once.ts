import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { EntityManager } from '@mikro-orm/postgresql';
import { AppError, currentCaller } from '@rapport/platform';
import { isConflict, isConnectionLoss } from './database-errors.js';

/** A write as its caller asked for it. */
export interface WriteCall<Response> {
  /** Full gRPC path. A key that comes back with another method is refused. */
  method: string;
  /** The caller's idempotency key. Without it the write is done each time. */
  requestId: string | undefined;
  /** True to do the write, answer, and leave nothing of it (AIP-163). */
  validateOnly?: boolean;
  /** The encoded request without its request id. */
  request: Uint8Array;
  encode(response: Response): Uint8Array;
  decode(bytes: Uint8Array): Response;
}

const maxRetries = 3;

/** Rows that a write removes because they are older than a day, so that a tenant's rows stay in proportion to its writes. */
const expiredRowsPerWrite = 5;

/**
 * Does a write in one transaction, and a repetition of it never again: the answer is stored with the write under the
 * caller's key for 24 hours, and who repeats the call gets that answer.
 * (IETF draft-ietf-httpapi-idempotency-key-header)
 *
 * `work` may run more than once, each time in a new transaction with an EntityManager that knows no entity yet: after a
 * conflict with another transaction always, after a lost connection only with a key, since a commit may have been done.
 *
 * @throws AppError ABORTED IDEMPOTENCY_KEY_IN_USE while the same key is at work in another call
 * @throws AppError FAILED_PRECONDITION IDEMPOTENCY_KEY_REUSED when the key came with another method or request before
 */
export async function writeOnce<Response>(
  em: EntityManager,
  call: WriteCall<Response>,
  work: (em: EntityManager) => Promise<Response>,
): Promise<Response> {
  for (let retry = 0; ; retry += 1) {
    try {
      if (call.validateOnly) return await tryWrite(em, work);
      return await em.transactional(
        (transaction) =>
          call.requestId === undefined ? work(transaction) : once(transaction, call, call.requestId, work),
        { clear: true },
      );
    } catch (error) {
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
  call: WriteCall<Response>,
  requestId: string,
  work: (em: EntityManager) => Promise<Response>,
): Promise<Response> {
  const { tenantId, principalId } = currentCaller();
  const key = [tenantId, principalId, requestId];
  await lock(em, key);
  const requestHash = createHash('sha256').update(`${call.method}\n`).update(call.request).digest();

  // A statement of its own: what the twin committed before it let go of the lock must be seen.
  const [earlier] = await em.execute<{ request_hash: Buffer; response: Buffer }[]>(
    `select request_hash, response from idempotency_key
     where tenant_id = ? and principal_id = ? and key = ? and create_time > now() - interval '24 hours'`,
    key,
  );
  if (earlier) {
    if (earlier.request_hash.equals(requestHash)) return call.decode(earlier.response);
    throw new AppError(
      'FAILED_PRECONDITION',
      'IDEMPOTENCY_KEY_REUSED',
      'This idempotency key was used for another request.',
    );
  }

  const response = await work(em);
  // What `work` left to the end of the unit of work fails here, not after the answer is stored.
  await em.flush();
  await store(em, key, requestHash, Buffer.from(call.encode(response)));
  return response;
}

/** Held until the transaction ends. Two keys that share a hash only wait for each other. */
async function lock(em: EntityManager, key: string[]): Promise<void> {
  const hash = createHash('sha256').update(JSON.stringify(key)).digest().readBigInt64BE();
  const [row] = await em.execute<{ locked: boolean }[]>('select pg_try_advisory_xact_lock(?::bigint) as locked', [
    hash.toString(),
  ]);
  if (row?.locked) return;
  throw new AppError('ABORTED', 'IDEMPOTENCY_KEY_IN_USE', 'A request with this idempotency key is being answered.', {
    retryAfterSeconds: 1,
  });
}

async function store(em: EntityManager, key: string[], requestHash: Buffer, response: Buffer): Promise<void> {
  await em.execute(
    `insert into idempotency_key (tenant_id, principal_id, key, request_hash, response, create_time)
     values (?, ?, ?, ?, ?, now())
     on conflict (tenant_id, principal_id, key) do update
     set request_hash = excluded.request_hash, response = excluded.response, create_time = excluded.create_time`,
    [...key, requestHash, response],
  );
  await em.execute(
    `delete from idempotency_key where (tenant_id, principal_id, key) in (
       select tenant_id, principal_id, key from idempotency_key
       where tenant_id = ? and create_time <= now() - interval '24 hours'
       order by create_time limit ${expiredRowsPerWrite} for update skip locked)`,
    key.slice(0, 1),
  );
}
