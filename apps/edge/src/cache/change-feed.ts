import { setTimeout as wait } from 'node:timers/promises';
import { allTenants, type Contract, type ContractClient } from '@rapport/contracts';
import { AppError, type Logger } from '@rapport/platform';
import type { Change, SubscribeRequest, SubscribeResponse } from '@rapport/contracts/rapport/api/v1/change_feed';
import { v7 as uuidv7 } from 'uuid';
import { tagsOfChange } from './tags.js';

/** After a gap of this length, emptying the cache is cheaper than catching up. In milliseconds. */
const longGapMs = 60_000;
/** After this time without a message the server counts as dead, which the connection does not report, in milliseconds. */
const deadAfterMs = 10_000;
const retryMs = 250;
const callMs = 3_600_000;
/** Most changes in flight. */
const creditSize = 10_000;

/** The methods that stream a change log: `Subscribe` of an area's `ChangeFeedService`. @returns their gRPC paths */
export function feedPaths(contract: Contract): string[] {
  return contract.methods
    .filter(({ name, service }) => name === 'Subscribe' && service.name === 'ChangeFeedService')
    .map(({ path }) => path);
}

/** The effects of a feed on the cache. */
export interface FeedTarget {
  invalidate: (tags: readonly string[]) => Promise<void>;
  /** Invalidates everything: the changes are unknown. */
  invalidateAll: () => Promise<void>;
  /** Called when every change up to now has been applied. */
  markCurrent: () => void;
}

/** Follows the change log of one area, for the writes that come through no edge: SQL, workers, other services. */
export class ChangeFeed {
  readonly #closed = new AbortController();
  readonly #running: Promise<void>;
  #cursor: string | undefined;
  #lastMessageAt = -Infinity;

  constructor(
    private readonly path: string,
    private readonly client: Pick<ContractClient, 'duplex'>,
    private readonly target: FeedTarget,
    private readonly logger: Logger,
  ) {
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      try {
        await this.#follow(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof AppError && error.reason === 'CURSOR_EXPIRED') this.#cursor = undefined;
        this.logger.debug({ err: error, path: this.path }, 'the change log was lost');
      }
      await wait(retryMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #follow(closed: AbortSignal): Promise<void> {
    if (performance.now() - this.#lastMessageAt > longGapMs) this.#cursor = undefined;
    let isFirst = true;
    const isAnew = this.#cursor === undefined;
    const credit = new Credit<SubscribeRequest>(subscription(this.#cursor), (amount) => ({ ...more, credit: amount }));
    const silent = new AbortController();
    const timer = setTimeout(() => silent.abort(), deadAfterMs);
    const signal = AbortSignal.any([closed, silent.signal]);
    const options = { context: { requestId: uuidv7() }, deadlineMs: callMs, signal };
    const messages = this.client.duplex(this.path, credit.requests(), options);
    try {
      for await (const message of messages) {
        timer.refresh();
        await this.#take(message as SubscribeResponse, isFirst, isAnew);
        isFirst = false;
        credit.give((message as SubscribeResponse).changes.length);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async #take({ changes, cursor }: SubscribeResponse, isFirst: boolean, isAnew: boolean): Promise<void> {
    // Answers loaded before the first message may be older than the position where the log begins for this edge.
    if (isFirst && isAnew) await this.target.invalidateAll();
    if (changes.some(({ tenantId }) => tenantId === allTenants)) await this.target.invalidateAll();
    else if (changes.length > 0) await this.target.invalidate(tagsOf(changes));
    this.#cursor = cursor;
    // The first message only repeats the cursor that was given: what was written since comes after it.
    if (isFirst && !isAnew) return;
    this.#lastMessageAt = performance.now();
    this.target.markCurrent();
  }
}

const more: SubscribeRequest = {
  cursor: undefined,
  tenantId: undefined,
  types: [],
  withValues: false,
  credit: 0,
  consumer: undefined,
  acknowledgedCursor: undefined,
};

function subscription(cursor: string | undefined): SubscribeRequest {
  return { ...more, cursor, credit: creditSize };
}

/** Answers about unchanged records stay cached: an import invalidates only the lists for readers. */
function tagsOf(changes: readonly Change[]): string[] {
  // A gap names no record.
  const tags = changes.flatMap(({ tenantId, type, recordId }) => tagsOfChange(tenantId, type, recordId || undefined));
  return [...new Set(tags)];
}

/** Requests that grant credit: the first grants all of it, and each later one the used part, once that is half. */
export class Credit<Request extends { credit: number }> {
  readonly #size: number;
  #used = 0;
  #due = Promise.withResolvers<void>();

  /** @param more makes a request that gives an amount of credit */
  constructor(
    private readonly first: Request,
    private readonly more: (amount: number) => Request,
  ) {
    this.#size = first.credit;
  }

  /** Returns the used credit. */
  give(amount: number): void {
    this.#used += amount;
    if (this.#used * 2 >= this.#size) this.#due.resolve();
  }

  async *requests(): AsyncGenerator<Request> {
    yield this.first;
    for (;;) {
      await this.#due.promise;
      this.#due = Promise.withResolvers();
      const amount = this.#used;
      this.#used = 0;
      yield this.more(amount);
    }
  }
}
