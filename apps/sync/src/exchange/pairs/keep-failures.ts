import { Logger } from '@nestjs/common';
import { countFailedPair } from '../runs/exchange-metrics.js';
import { tellIssues, type ExchangeContext } from '../exchange-context.js';
import { isInterruption, isOfDeletedMapping, MappingDeletedError, runFailure } from '../runs/run-failure.js';
import type { PairIds } from './failed-pairs.js';
import type { Sides } from './plan-pair.js';

/** With more unexpected failures in a run than this, the pairs are not the cause. */
const maxFailed = 10;

/**
 * A pair that fails with an unexpected error is reported and left to the next run, so that it does not block other pairs. The next
 * run first recovers interrupted writes. This run could take a record that the failed write created for a new one.
 */
export class FailureKeeper {
  readonly #logger = new Logger('PairSettler');

  constructor(private readonly context: ExchangeContext) {}

  async leaving(sides: Sides, settle: () => Promise<void>): Promise<void> {
    const ids = idsOf(sides);
    if (this.context.failed.has(ids)) return this.#leave(ids);
    try {
      await settle();
    } catch (error) {
      this.context.signal.throwIfAborted();
      if (isOfDeletedMapping(error)) throw new MappingDeletedError({ cause: error });
      if (isInterruption(error) || runFailure(error).reason !== 'INTERNAL') throw error;
      await this.#leaveFailed(sides, error);
    }
  }

  async #leaveFailed(sides: Sides, error: unknown): Promise<void> {
    const { failed } = this.context;
    const ids = await this.#idsOfFailed(sides);
    if (failed.add(ids)) {
      if (failed.count > maxFailed) throw error;
      countFailedPair();
      this.#logger.error(`A pair of the mapping ${this.context.mapping.id} could not be settled.`, error);
      const message = 'It will be retried. The log has the cause.';
      tellIssues(this.context, ids.recordId, [{ reason: 'FAILED', message }]);
    }
    await this.#leave(ids);
  }

  /** The known sides, and the customer that may have been created though it was not stored. */
  async #idsOfFailed(sides: Sides): Promise<PairIds> {
    const { customerId, recordId } = idsOf(sides);
    if (customerId !== undefined || recordId === undefined) return { customerId, recordId };
    const link = await this.context.links.byRecord(recordId);
    const intent = link && this.context.openIntent(link);
    return { customerId: link?.customerId ?? intent?.customer?.requestId, recordId };
  }

  /** Hints for the next run, of both sides: with one alone, the pair could look settled. */
  async #leave({ customerId, recordId }: PairIds): Promise<void> {
    if (customerId !== undefined) await this.context.hints.put('CUSTOMER', customerId);
    if (recordId !== undefined) await this.context.hints.put('PEER', recordId);
  }
}

function idsOf({ link, customer, record }: Sides): PairIds {
  return {
    customerId: customer?.isThere ? customer.customer.id : (link?.customerId ?? undefined),
    recordId: record?.id ?? link?.recordId ?? undefined,
  };
}
