import { internalPermission } from '@rapport/contracts';
import { SubscribeRequest, type Change, type SubscribeResponse } from '@rapport/contracts/rapport/api/v1/change_feed';
import {
  ChangeFeedServiceService as Methods,
  type SnapshotCustomersResponse,
  type WatchChangesResponse,
} from '@rapport/contracts/rapport/customers/v1/change_feed_service';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import type { RunningCustomers } from './running-customers.js';

/** A process of the platform. */
export const platform: Caller = {
  tenantId: '00000000-0000-0000-0000-000000000000',
  principalId: 'platform:edge',
  permissions: [internalPermission],
};

/** What a subscriber says, when it says it. */
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

export function subscribe(
  { streams }: Pick<RunningCustomers, 'streams'>,
  requests: Requests,
  signal?: AbortSignal,
  caller = platform,
): AsyncGenerator<SubscribeResponse, void> {
  return streams.duplex(Methods.subscribe.path, requests, options(caller, signal)) as AsyncGenerator<
    SubscribeResponse,
    void
  >;
}

export function watch(
  { streams }: Pick<RunningCustomers, 'streams'>,
  caller: Caller,
  request: { cursor?: string; types?: string[]; fields?: string[] } = {},
  signal?: AbortSignal,
): AsyncGenerator<WatchChangesResponse, void> {
  const message = { types: [], fields: [], ...request };
  return streams.stream(Methods.watchChanges.path, message, options(caller, signal)) as AsyncGenerator<
    WatchChangesResponse,
    void
  >;
}

export function snapshot(
  { streams }: Pick<RunningCustomers, 'streams'>,
  caller: Caller,
): AsyncGenerator<SnapshotCustomersResponse, void> {
  return streams.stream(Methods.snapshotCustomers.path, {}, options(caller)) as AsyncGenerator<
    SnapshotCustomersResponse,
    void
  >;
}

/** Changes of a tenant from the beginning, as soon as there are `count` of them. */
export async function changesOf(
  customers: RunningCustomers,
  caller: Caller,
  count: number,
  filter: { types?: string[]; fields?: string[]; cursor?: string } = {},
): Promise<Change[]> {
  const changes: Change[] = [];
  let cursor = filter.cursor;
  while (changes.length < count) {
    const request = { ...filter, cursor, waitSeconds: 5, pageSize: 1_000 };
    const page = await customers.call('listChanges', request, caller);
    if (page.changes.length === 0) break;
    changes.push(...page.changes);
    cursor = page.nextCursor;
  }
  return changes;
}

/** What is done about each change, in short. */
export function told({ type, operation, changedFields }: Change): string {
  return [type, operation, ...changedFields].join(' ');
}

function options(caller: Caller, signal?: AbortSignal) {
  return { context: { requestId: v7(), caller }, deadlineMs: 120_000, ...(signal && { signal }) };
}
