import type { Change } from './gen/messages.js';
import type { Resources } from './gen/resources.js';
import { RapportError } from './problem.js';
import { reopening } from './streams.js';

export interface FollowOptions {
  /** Where to continue: the cursor of the last change that was processed. Without one, the feed begins now, or with a snapshot. */
  cursor?: string | undefined;
  /** Only changes of these types, such as `customer`. */
  types?: readonly string[] | undefined;
  /** Only changes of these fields. */
  fields?: readonly string[] | undefined;
  /**
   * What happens when the log no longer has the changes after the cursor. `throw` throws `CURSOR_EXPIRED`, and is the default.
   * `snapshot` reads every live customer anew, also at the start without a cursor; it excludes `types` and `fields`.
   */
  onExpired?: 'throw' | 'snapshot' | undefined;
  signal?: AbortSignal | undefined;
}

/** A committed change. Store its cursor once it is processed. */
export interface ChangeEvent {
  kind: 'change';
  change: Change;
  cursor: string;
}

/** A snapshot begins: what is copied so far is void. */
export interface ResetEvent {
  kind: 'reset';
}

/** A live customer of the snapshot. */
export interface RecordEvent {
  kind: 'record';
  record: Record<string, unknown>;
}

/** The snapshot is complete. Store its cursor. */
export interface ReadyEvent {
  kind: 'ready';
  cursor: string;
}

export type CopyEvent = ChangeEvent | ResetEvent | RecordEvent | ReadyEvent;

/** The changes after a cursor, in their order, each once. The feed connects again when its connection breaks. */
export interface ChangeFeed<Event> extends AsyncIterable<Event> {
  /** The position after the last event. It moves on, also while no change matches. */
  readonly cursor: string | undefined;
}

export interface Follow {
  (options: FollowOptions & { onExpired: 'snapshot'; types?: undefined; fields?: undefined }): ChangeFeed<CopyEvent>;
  (options?: FollowOptions & { onExpired?: 'throw' | undefined }): ChangeFeed<ChangeEvent>;
}

/** What a feed calls. */
interface Source {
  changes: Pick<Resources['changes'], 'watch'>;
  customers: Pick<Resources['customers'], 'snapshot'>;
}

/** As `rapport.changes.follow`. */
export function follow(source: Source, options: FollowOptions = {}): ChangeFeed<CopyEvent> {
  if (options.onExpired === 'snapshot' && (options.types ?? options.fields)) {
    throw new TypeError('A snapshot has no cursor for a feed with types or fields.');
  }
  return new Feed(source, options);
}

class Feed implements ChangeFeed<CopyEvent> {
  #cursor: string | undefined;

  constructor(
    private readonly source: Source,
    private readonly options: FollowOptions,
  ) {
    this.#cursor = options.cursor;
  }

  get cursor(): string | undefined {
    return this.#cursor;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<CopyEvent, void> {
    const withSnapshots = this.options.onExpired === 'snapshot';
    for (;;) {
      if (withSnapshots && this.#cursor === undefined) yield* this.#snapshot();
      try {
        yield* this.#changes();
      } catch (error) {
        if (!withSnapshots || !(error instanceof RapportError && error.code === 'CURSOR_EXPIRED')) throw error;
        this.#cursor = undefined;
      }
    }
  }

  async *#changes(): AsyncGenerator<ChangeEvent, void> {
    const { types, fields, signal } = this.options;
    const open = () => this.source.changes.watch({ cursor: this.#cursor, types, fields }, { signal });
    for await (const { change, cursor } of reopening(open, { signal, isEndless: true })) {
      this.#cursor = cursor;
      if (change) yield { kind: 'change', change, cursor };
    }
  }

  async *#snapshot(): AsyncGenerator<CopyEvent, void> {
    const { signal } = this.options;
    const snapshot = this.source.customers.snapshot.bind(undefined, {}, { signal });
    // Half a snapshot is worth nothing: each attempt begins anew.
    const open = async function* (): AsyncGenerator<CopyEvent, void> {
      yield { kind: 'reset' };
      for await (const { customer, cursor } of snapshot()) {
        if (customer) yield { kind: 'record', record: customer };
        if (cursor !== undefined) yield { kind: 'ready', cursor };
      }
    };
    for await (const event of reopening(open, { signal })) {
      if (event.kind === 'ready') this.#cursor = event.cursor;
      yield event;
    }
  }
}
