import type { Change, SubscribeRequest, SubscribeResponse } from '@rapport/contracts/rapport/api/v1/change_feed';
import { ChangeFeedServiceService } from '@rapport/contracts/rapport/customers/v1/change_feed_service';
import { WakeSignal } from '@rapport/platform';
import { Turns } from '../../pace/bulk-pace.js';
import { checkRequest } from '../../values/contract.js';
import type { ChangeConsumers } from '../log/change-consumers.js';
import type { ChangeCursors, LogPosition } from '../log/change-cursor.js';
import type { ChangeEntry } from '../log/change-entry.js';
import { countDelivered } from '../log/change-metrics.js';
import type { ChangeReader } from '../log/change-reader.js';
import type { ChangeTail } from '../log/change-tail.js';
import type { LoggedTypes } from '../log/logged-types.js';
import { bareChange, fullChange } from './change-message.js';

/** Longest time without a message while the log is readable, in milliseconds. */
const keepAliveMs = 1_000;

/** Most changes per message. */
const batchSize = 1_000;
const maxCredit = 100_000;

interface Sources {
  types: LoggedTypes;
  reader: ChangeReader;
  cursors: ChangeCursors;
  tail: ChangeTail;
  consumers: ChangeConsumers;
}

/** The changes that one subscriber receives: as many as its credit allows, until `end` or the end of its requests. */
export class Subscription {
  readonly #requested = new WakeSignal();
  #credit = 0;
  #acknowledged: LogPosition | undefined;
  /** Set when the requests of the subscriber have ended, with the error of a broken stream. */
  #closed: { error?: unknown } | undefined;

  /** @param first request, validated */
  constructor(
    private readonly first: SubscribeRequest,
    private readonly sources: Sources,
  ) {}

  /** Reads credit and acknowledgements until the requests of the subscriber end. */
  async take(requests: AsyncIterator<SubscribeRequest>): Promise<void> {
    try {
      this.#note(this.first);
      for (;;) {
        const next = await requests.next();
        if (next.done) break;
        checkRequest(ChangeFeedServiceService.subscribe.path, next.value);
        this.#note(next.value);
      }
      this.#closed = {};
    } catch (error) {
      this.#closed = { error };
    }
    this.#requested.wake();
  }

  async *changes(end: AbortSignal): AsyncGenerator<SubscribeResponse, void> {
    const { types, reader, cursors, tail } = this.sources;
    const stopKeeping = this.first.withValues ? tail.keepValues() : () => undefined;
    const message = this.first.withValues ? (entry: ChangeEntry) => fullChange(types, entry) : bareChange;
    try {
      let place = await this.#begin();
      // So that the subscriber knows its position before the first change.
      yield { changes: [], cursor: cursors.write(place) };
      let sentMs = Date.now();
      while (!end.aborted) {
        if (this.#closed?.error) throw this.#closed.error as Error;
        if (this.#closed) return;
        await this.#remember(place);
        const most = Math.min(this.#credit, batchSize);
        const { entries, ...next } = most > 0 ? await reader.next(place, most) : { entries: [], place };
        place = next.place;
        this.#credit -= entries.length;
        if (entries.length > 0 || (Date.now() - sentMs >= keepAliveMs && tail.isFresh)) {
          countDelivered(entries.map(({ time_ms }) => time_ms));
          yield* this.#messages(entries, place, message);
          sentMs = Date.now();
          continue;
        }
        await this.#wait(place, Math.max(50, sentMs + keepAliveMs - Date.now()), end);
      }
    } finally {
      stopKeeping();
    }
  }

  /** Sends changes in messages that each take one turn of the event loop to create. */
  async *#messages(
    entries: readonly ChangeEntry[],
    end: LogPosition,
    message: (entry: ChangeEntry) => Change,
  ): AsyncGenerator<SubscribeResponse, void> {
    const { cursors } = this.sources;
    const turns = new Turns();
    let changes: Change[] = [];
    for (const entry of entries) {
      changes.push(message(entry));
      if (!turns.isOver) continue;
      yield { changes, cursor: cursors.write({ ...end, position: entry.position }) };
      changes = [];
      await turns.next();
    }
    yield { changes, cursor: cursors.write(end) };
  }

  /** The position of the cursor, or else the last one of the consumer, or else the end of the log. */
  async #begin(): Promise<LogPosition> {
    const { reader, cursors, consumers } = this.sources;
    const { cursor, consumer } = this.first;
    const place = cursor === undefined ? undefined : cursors.read(cursor);
    const known = place ?? (consumer === undefined ? undefined : await consumers.find(consumer));
    const start = known ?? (await reader.end());
    if (consumer !== undefined) await consumers.remember(consumer, start);
    return start;
  }

  #note({ credit, acknowledgedCursor }: SubscribeRequest): void {
    this.#credit = Math.min(this.#credit + credit, maxCredit);
    if (acknowledgedCursor !== undefined) {
      this.#acknowledged = this.sources.cursors.read(acknowledgedCursor, 'acknowledgedCursor');
    }
    this.#requested.wake();
  }

  async #remember(place: LogPosition): Promise<void> {
    const { consumer } = this.first;
    if (consumer === undefined) return;
    const acknowledged = this.#acknowledged;
    this.#acknowledged = undefined;
    if (acknowledged?.epoch === place.epoch) {
      await this.sources.consumers.remember(consumer, acknowledged);
    } else await this.sources.consumers.reportAlive(consumer);
  }

  /** Waits for changes and credit, or for a request of the subscriber. */
  async #wait(place: LogPosition, timeoutMs: number, end: AbortSignal): Promise<void> {
    const { tail } = this.sources;
    const over = new AbortController();
    const signal = AbortSignal.any([end, over.signal]);
    const waits = [this.#requested.sleep(timeoutMs, signal)];
    if (this.#credit > 0) waits.push(tail.waitBeyond(place.position, timeoutMs, signal));
    await Promise.race(waits);
    over.abort();
  }
}
