import { setTimeout as delay } from 'node:timers/promises';
import { Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/postgresql';
import type { ContractClient } from '@rapport/contracts';
import { SubscribeRequest, type SubscribeResponse } from '@rapport/contracts/rapport/api/v1/change_feed';
import { ChangeFeedServiceService } from '@rapport/contracts/rapport/customers/v1/change_feed_service';
import { AppError, LoopWorker, WorkerLoop } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { arrivedMessages } from './arrived-messages.js';
import { findCursor } from './feed-cursor.js';
import { FeedLeader } from './feed-leader.js';
import { noteHeard } from './feed-metrics.js';
import { Requests } from './requests.js';
import type { ChangeTaker } from './take-changes.js';

/** Name of this consumer. */
const consumer = 'sync';

const retryMs = 500;
/** Intervals, in milliseconds, at which the leader confirms its lock and other processes try to acquire it. */
const leadEveryMs = 2_000;
const callMs = 3_600_000;
/** The log sends a heartbeat every second. */
const silentMs = 5_000;

/** Maximum number of unacknowledged changes. */
const credit = 2_000;

/** Most changes that one transaction takes of several messages: more could make too many deliveries at once. */
const maxJoined = 50;

/** Reads the change feed of all tenants in one process of the service, from the stored cursor. */
export class FeedConsumer extends LoopWorker implements OnApplicationShutdown {
  readonly #logger = new Logger('FeedConsumer');
  readonly #leader: FeedLeader;
  protected readonly loop = new WorkerLoop({
    pass: ({ signal }) => this.#readIfOurs(signal),
    intervalMs: leadEveryMs,
    retryMs,
    onOutage: (error) => this.#logger.warn('The change feed was lost.', error),
  });
  /** While this process reads. */
  #heardMs: number | undefined;

  constructor(
    private readonly orm: MikroORM,
    private readonly customers: Pick<ContractClient, 'duplex' | 'close'>,
    private readonly target: ChangeTaker,
    databaseUrl: string,
  ) {
    super();
    this.#leader = new FeedLeader(databaseUrl);
  }

  /** @throws Error while this process is the leader and receives nothing from the feed */
  checkHeard(): Promise<void> {
    const isSilent = this.#heardMs !== undefined && performance.now() - this.#heardMs > silentMs;
    return this.loop.isFailing || isSilent
      ? Promise.reject(new Error('The change feed is silent.'))
      : Promise.resolve();
  }

  override async onModuleDestroy(): Promise<void> {
    await super.onModuleDestroy();
    await this.#leader.close();
  }

  /** Runs of mappings and flows, and the readers of mailboxes, call customers until the last of them has stopped. */
  onApplicationShutdown(): void {
    this.customers.close();
  }

  /** When another process reads the feed, that process knows whether it is there. */
  async #readIfOurs(stopping: AbortSignal): Promise<void> {
    try {
      if (await this.#leader.isOurs()) await this.#read(stopping);
    } finally {
      noteHeard(false);
      this.#heardMs = undefined;
    }
  }

  /** Until the call ends, or another process becomes the leader. */
  async #read(stopping: AbortSignal): Promise<void> {
    const lost = new AbortController();
    const signal = AbortSignal.any([stopping, lost.signal]);
    const watching = this.#watchLead(lost, signal);
    try {
      const cursor = await findCursor(this.orm.em.fork());
      await this.#follow(cursor, signal).catch((error: unknown) => this.#beginAnew(error, cursor));
    } finally {
      lost.abort();
      await watching;
    }
  }

  async #watchLead(lost: AbortController, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await delay(leadEveryMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      const isOurs = await this.#leader.isOurs().catch(() => false);
      if (!isOurs) lost.abort();
    }
  }

  async #follow(start: string | undefined, signal: AbortSignal): Promise<void> {
    let cursor = start;
    const first = { ...message({ credit }), cursor, consumer, withValues: true };
    const requests = new Requests<SubscribeRequest>(first);
    const left = new AbortController();
    const options = {
      context: { requestId: uuidv7() },
      deadlineMs: callMs,
      signal: AbortSignal.any([signal, left.signal]),
    };
    const { path } = ChangeFeedServiceService.subscribe;
    const answers = this.customers.duplex(path, requests, options) as AsyncIterable<SubscribeResponse>;
    try {
      for await (const batch of arrivedMessages(answers, ({ changes }) => changes.length, maxJoined)) {
        const changes = batch.flatMap((answer) => answer.changes);
        const { cursor: next } = batch.at(-1) ?? batch[0];
        noteHeard(true);
        this.#heardMs = performance.now();
        if (this.loop.succeeded()) this.#logger.log('The change feed is there again.');
        if (next === cursor) continue;
        await this.target.take(changes, cursor, next);
        cursor = next;
        requests.say(message({ credit: changes.length, acknowledgedCursor: cursor }));
      }
    } finally {
      left.abort();
    }
  }

  /** Continues at the current start of the log, and reports the changes before it as lost. */
  async #beginAnew(error: unknown, cursor: string | undefined): Promise<void> {
    const oldest =
      error instanceof AppError && error.reason === 'CURSOR_EXPIRED' ? error.metadata['oldestCursor'] : undefined;
    if (oldest === undefined) throw error as Error;
    const current = await findCursor(this.orm.em.fork());
    this.#logger.error('Changes are lost: the feed has none after the cursor. Every endpoint receives a gap event.');
    await this.target.takeLoss(current ?? cursor, oldest);
  }
}

function message(given: Partial<SubscribeRequest>): SubscribeRequest {
  return { ...SubscribeRequest.decode(new Uint8Array()), ...given };
}
