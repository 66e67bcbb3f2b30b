import { createHash } from 'node:crypto';
import { AppError, callContext, currentCaller, flowOrigin, hmac } from '@rapport/platform';
import type { QueryResultRow } from 'pg';
import { isRefusal } from '../database-errors.js';
import type { Statement } from '../driver/pipeline.js';
import type { ReadRows, TransactionStatement } from './statement-transaction.js';
import type { WriteCall } from './write-call.js';

/**
 * One write in so many deletes expired rows, and how many, so that a tenant's rows stay in proportion to its writes. To
 * look for them costs as much as to store a row.
 */
const clearing = { oneWriteIn: 8, rows: 40 };

/** Reasons for which the statements of an idempotency key refuse. */
const keyInUse = 'IDEMPOTENCY_KEY_IN_USE';
const keyAnswered = 'IDEMPOTENCY_KEY_ANSWERED';

/** Thrown to stop work on a call that was answered before. */
export class AnsweredBefore<Response> extends Error {
  constructor(readonly response: Response) {
    super('The call was answered before.');
  }
}

interface EarlierAnswer {
  request_hash: Buffer;
  response: Buffer;
}

/** A write's use of its caller's idempotency key: the statements of its transaction that concern the key. */
export class Idempotency<Response> {
  readonly #key: readonly string[];
  readonly #keyHash: Buffer;
  readonly #requestHash: Buffer;
  /** Whether the key is an effect key of a flow, whose response is retained until the run is released. */
  readonly #isEffect: boolean;

  constructor(
    private readonly call: WriteCall<Response>,
    requestId: string,
  ) {
    const { tenantId, principalId } = currentCaller();
    const owner = effectOwner();
    this.#isEffect = owner !== undefined;
    this.#key = [tenantId, owner ?? principalId, requestId];
    this.#keyHash = createHash('sha256').update(JSON.stringify(this.#key)).digest();
    const hash = call.hashKey ? hmac(call.hashKey) : createHash('sha256');
    this.#requestHash = hash.update(`${call.method}\n`).update(call.request).digest();
  }

  /**
   * Locks the key until the transaction ends, or refuses when another call holds it: the error stops all statements in
   * flight behind this one. Two keys with the same hash exclude each other like one key.
   */
  get lock(): TransactionStatement {
    return {
      name: 'lock_idempotency_key',
      sql: `select refuse_unless(pg_try_advisory_xact_lock($1::bigint), '${keyInUse}')`,
      values: [this.#keyHash.readBigInt64BE().toString()],
      explain: (error) => (isRefusal(error, keyInUse) ? inUse() : error),
    };
  }

  /** The stored response. Runs after `lock`, so that it sees what the twin committed before it released the key. */
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
   * Stores the response, and at times deletes expired ones. Refuses when the key already has a response: this detects a
   * repetition in a write that has not looked before.
   */
  store(response: Response): TransactionStatement[] {
    // An effect never expires: the run may repeat it after any time.
    const createTime = this.#isEffect ? `'infinity'` : 'now()';
    const stored = {
      name: this.#isEffect ? 'store_effect_key' : 'store_idempotency_key',
      sql: `with stored as (
          insert into idempotency_key (tenant_id, principal_id, key, request_hash, response, create_time)
          values ($1, $2, $3, $4, $5, ${createTime})
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
      // By physical position (ctid): a join on their keys may scan the whole table.
      sql: `delete from idempotency_key where ctid = any (array(
          select ctid from idempotency_key
          where tenant_id = $1 and create_time <= now() - interval '24 hours'
          order by create_time limit ${clearing.rows} for update skip locked))`,
      values: this.#key.slice(0, 1),
    };
    return this.#keyHash.readUInt32BE(8) % clearing.oneWriteIn === 0 ? [stored, cleared] : [stored];
  }

  async #explain(error: unknown, read: ReadRows): Promise<unknown> {
    if (!isRefusal(error, keyAnswered)) return error;
    const [earlier] = await read<EarlierAnswer>(this.find);
    // Deleted meanwhile: it had expired.
    return earlier ? this.#earlierAnswer(earlier) : inUse();
  }

  #earlierAnswer({ request_hash, response }: EarlierAnswer): Error {
    if (request_hash.length === 0) {
      const message =
        'The response to this idempotency key is no longer available: it contained personal data that was erased or encrypted since.';
      return new AppError('FAILED_PRECONDITION', 'IDEMPOTENCY_ANSWER_ERASED', message);
    }
    // An effect key stands for one effect, even if a later attempt has read newer values, such as an etag.
    if (this.#isEffect || request_hash.equals(this.#requestHash)) return new AnsweredBefore(this.call.decode(response));
    return new AppError(
      'FAILED_PRECONDITION',
      'IDEMPOTENCY_KEY_REUSED',
      'This idempotency key was used for another request.',
    );
  }
}

/**
 * Owner of the effect keys of a flow's run, in place of a principal. Principals have other prefixes, and only processes of the platform
 * can set the cause of a call, so no other caller can use or find these keys.
 */
function effectOwnerOf(runId: string): string {
  return `flowRun:${runId}`;
}

/** Deletes the effect keys of runs, whose steps can not be repeated any more. @param runIds of the tenant */
export function releaseEffects(tenantId: string, runIds: readonly string[]): Statement {
  return {
    name: 'release_effects',
    sql: 'delete from idempotency_key where tenant_id = $1 and principal_id = any ($2)',
    values: [tenantId, runIds.map(effectOwnerOf)],
  };
}

function effectOwner(): string | undefined {
  const { origin, causationId } = callContext.getStore()?.cause ?? {};
  return origin === flowOrigin && causationId !== undefined ? effectOwnerOf(causationId) : undefined;
}

function inUse(): AppError {
  return new AppError('ABORTED', keyInUse, 'Another request with this idempotency key is in progress.', {
    retryAfterSeconds: 1,
  });
}
