import { SubscribeRequest, type Change, type SubscribeResponse } from '@rapport/contracts/rapport/api/v1/change_feed';
import {
  ChangeFeedServiceService as Methods,
  type SnapshotCustomersResponse,
  type WatchChangesResponse,
} from '@rapport/contracts/rapport/customers/v1/change_feed_service';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import type { SharedCustomers } from './running-customers.js';

type Reached = Pick<SharedCustomers, 'streams' | 'outgoing'>;

/** The messages of a subscriber, in the order of sending. */
export class Requests {
  readonly #waiting: SubscribeRequest[] = [];
  #wake = (): void => undefined;
  #isOver = false;

  constructor(first: Partial<SubscribeRequest>) {
    this.say(first);
  }

  say(request: Partial<SubscribeRequest>): void {
    this.#waiting.push({ ...SubscribeRequest.decode(new Uint8Array()), ...request });
    this.#wake();
  }

  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SubscribeRequest, void> {
    for (;;) {
      const request = this.#waiting.shift();
      if (request) yield request;
      else if (this.#isOver) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** @param caller of the edge's subscription; by default the edge itself */
export function subscribe(
  customers: Reached,
  requests: Requests,
  signal?: AbortSignal,
  caller?: Caller,
): AsyncGenerator<SubscribeResponse, void> {
  return customers.streams.duplex(
    Methods.subscribe.path,
    requests,
    options(customers, caller, signal),
  ) as AsyncGenerator<SubscribeResponse, void>;
}

export function watch(
  customers: Reached,
  caller: Caller,
  request: { cursor?: string; types?: string[]; fields?: string[] } = {},
  signal?: AbortSignal,
): AsyncGenerator<WatchChangesResponse, void> {
  const message = { types: [], fields: [], ...request };
  return customers.streams.stream(
    Methods.watchChanges.path,
    message,
    options(customers, caller, signal),
  ) as AsyncGenerator<WatchChangesResponse, void>;
}

export function snapshot(customers: Reached, caller: Caller): AsyncGenerator<SnapshotCustomersResponse, void> {
  return customers.streams.stream(Methods.snapshotCustomers.path, {}, options(customers, caller)) as AsyncGenerator<
    SnapshotCustomersResponse,
    void
  >;
}

/** Changes of a tenant from the beginning, as soon as there are `count` of them. */
export async function changesOf(
  customers: SharedCustomers,
  caller: Caller,
  count: number,
  filter: { types?: string[]; fields?: string[]; cursor?: string } = {},
): Promise<Change[]> {
  const changes: Change[] = [];
  let cursor = filter.cursor;
  // The sequencer shows no change while an older transaction is open in any database of the server, such as that of a test which
  // fills tables: a call waits for 15 seconds at most.
  for (let waits = 0; waits < 4 && changes.length < count; waits += 1) {
    const request = { ...filter, cursor, waitSeconds: 15, pageSize: 1_000 };
    const page = await customers.call('listChanges', request, caller);
    if (page.changes.length > 0) waits = 0;
    changes.push(...page.changes);
    cursor = page.nextCursor;
  }
  return changes;
}

/** A summary of each change. */
export function summaryOf({ type, operation, changedFields }: Change): string {
  return [type, operation, ...changedFields].join(' ');
}

function options(customers: Reached, caller: Caller | undefined, signal?: AbortSignal) {
  const context = caller ? customers.outgoing(caller) : { requestId: v7() };
  return { context, deadlineMs: 120_000, ...(signal && { signal }) };
}
