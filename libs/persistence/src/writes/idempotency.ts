import { createHash, createHmac } from 'node:crypto';
import { AppError, currentCaller } from '@rapport/platform';
import type { QueryResultRow } from 'pg';
import { isRefusal } from '../database-errors.js';
import type { Statement } from '../driver/pipeline.js';
import type { ReadRows, TransactionStatement } from './statement-transaction.js';
import type { WriteCall } from './write-call.js';

/** Rows that a write removes because they are older than a day, so that a tenant's rows stay in proportion to its writes. */
const expiredRowsPerWrite = 5;

/** Why the statements of an idempotency key refuse. */
const keyInUse = 'IDEMPOTENCY_KEY_IN_USE';
const keyAnswered = 'IDEMPOTENCY_KEY_ANSWERED';

/** Thrown to end the work on a call that was answered before. */
export class AnsweredBefore<Response> extends Error {
  constructor(readonly response: Response) {
    super('The call was answered before.');
  }
}

interface EarlierAnswer {
  request_hash: Buffer;
  response: Buffer;
}

/** The use that a write makes of its caller's idempotency key: the statements of its transaction that are about the key. */
export class Idempotency<Response> {
  readonly #key: readonly string[];
  readonly #requestHash: Buffer;

  constructor(
    private readonly call: WriteCall<Response>,
    requestId: string,
  ) {
    const { tenantId, principalId } = currentCaller();
    this.#key = [tenantId, principalId, requestId];
    const hash = call.hashKey ? createHmac('sha256', call.hashKey) : createHash('sha256');
    this.#requestHash = hash.update(`${call.method}\n`).update(call.request).digest();
  }

  /**
   * Holds the key until the transaction ends, or refuses when another call does: after an error nothing that is under way with
   * this statement is run. Of two keys that share a hash the second is refused like a twin.
   */
  get lock(): TransactionStatement {
    const hash = createHash('sha256').update(JSON.stringify(this.#key)).digest().readBigInt64BE();
    return {
      name: 'lock_idempotency_key',
      sql: `select refuse_unless(pg_try_advisory_xact_lock($1::bigint), '${keyInUse}')`,
      values: [hash.toString()],
      explain: (error) => (isRefusal(error, keyInUse) ? inUse() : error),
    };
  }

  /** What was answered before. Behind `lock`, so that it sees what the twin committed before it let go of the key. */
  get find(): Statement {
    return {
      name: 'find_idempotency_key',
      sql: `select request_hash, response from idempotency_key
        where tenant_id = $1 and principal_id = $2 and key = $3 and create_time > now() - interval '24 hours'`,
      values: this.#key,
    };
  }

  /**
   * @param rows of `find`
   * @throws AnsweredBefore
   * @throws AppError FAILED_PRECONDITION IDEMPOTENCY_KEY_REUSED
   */
  check(rows: QueryResultRow[]): void {
    const [earlier] = rows as EarlierAnswer[];
    if (earlier) throw this.#earlierAnswer(earlier);
  }

  /**
   * Keeps the answer, and clears away old ones. Refuses when there is an answer to the key already, which is how a write finds
   * out that has not looked before.
   */
  store(response: Response): TransactionStatement[] {
    const stored = {
      name: 'store_idempotency_key',
      sql: `with stored as (
          insert into idempotency_key (tenant_id, principal_id, key, request_hash, response, create_time)
          values ($1, $2, $3, $4, $5, now())
          on conflict (tenant_id, principal_id, key) do update
          set request_hash = excluded.request_hash, response = excluded.response, create_time = excluded.create_time
          where idempotency_key.create_time <= now() - interval '24 hours'
          returning 1)
        select refuse_unless(exists (select from stored), '${keyAnswered}')`,
      values: [...this.#key, this.#requestHash, Buffer.from(this.call.encode(response))],
      explain: (error: unknown, read: ReadRows) => this.#explain(error, read),
    };
    const cleared = {
      name: 'clear_idempotency_keys',
      // By their places: a join with their keys may read the whole table.
      sql: `delete from idempotency_key where ctid = any (array(
          select ctid from idempotency_key
          where tenant_id = $1 and create_time <= now() - interval '24 hours'
          order by create_time limit ${expiredRowsPerWrite} for update skip locked))`,
      values: this.#key.slice(0, 1),
    };
    return [stored, cleared];
  }

  async #explain(error: unknown, read: ReadRows): Promise<unknown> {
    if (!isRefusal(error, keyAnswered)) return error;
    const [earlier] = await read<EarlierAnswer>(this.find);
    // Gone since: it was a day old.
    return earlier ? this.#earlierAnswer(earlier) : inUse();
  }

  #earlierAnswer({ request_hash, response }: EarlierAnswer): Error {
    if (request_hash.length === 0) {
      const message =
        'What this idempotency key was answered is not kept any more: it had personal data that was erased or encrypted since.';
      return new AppError('FAILED_PRECONDITION', 'IDEMPOTENCY_ANSWER_ERASED', message);
    }
    if (request_hash.equals(this.#requestHash)) return new AnsweredBefore(this.call.decode(response));
    return new AppError(
      'FAILED_PRECONDITION',
      'IDEMPOTENCY_KEY_REUSED',
      'This idempotency key was used for another request.',
    );
  }
}

function inUse(): AppError {
  return new AppError('ABORTED', keyInUse, 'A request with this idempotency key is being answered.', {
    retryAfterSeconds: 1,
  });
}
