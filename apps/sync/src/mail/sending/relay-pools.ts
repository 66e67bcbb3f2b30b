import type { OnApplicationShutdown } from '@nestjs/common';
import type { RelayConnector } from '../relays/connect-relay.js';
import { RelayPool } from './relay-pool.js';
import type { SendingRelay } from './sending-relays.js';

/** Rests of a relay after failures in a row, in milliseconds; the last one for all others. */
const restsMs = [2_000, 5_000, 15_000, 60_000, 300_000];

interface Kept {
  pool: RelayPool;
  version: number;
  failures: number;
  restsUntilMs: number;
}

type Place = Pick<SendingRelay, 'id' | 'version'>;

/** The pools of relays by their versions: a changed relay gets a new pool, and is tried at once. */
export class RelayPools implements OnApplicationShutdown {
  readonly #kept = new Map<string, Kept>();

  constructor(private readonly connector: Pick<RelayConnector, 'connect'>) {}

  /** Whether a relay has no rest. */
  isReady({ id, version }: Place): boolean {
    return this.readyMs({ id, version }) <= Date.now();
  }

  /** When a relay has no rest any more, in milliseconds of the clock. */
  readyMs({ id, version }: Place): number {
    const kept = this.#kept.get(id);
    return kept?.version === version ? kept.restsUntilMs : 0;
  }

  of(relay: SendingRelay): RelayPool {
    const kept = this.#kept.get(relay.id);
    if (kept?.version === relay.version) return kept.pool;
    kept?.pool.close();
    const pool = new RelayPool(relay, () => this.connector.connect(relay));
    this.#kept.set(relay.id, { pool, version: relay.version, failures: 0, restsUntilMs: 0 });
    return pool;
  }

  succeeded(place: Place): void {
    this.#change(place, () => ({ failures: 0, restsUntilMs: 0 }));
  }

  failed(place: Place): void {
    this.#change(place, ({ failures }) => ({
      failures: failures + 1,
      restsUntilMs: Date.now() + (restsMs[Math.min(failures, restsMs.length - 1)] ?? 0),
    }));
  }

  /** Rests a relay that defers messages, which are queued again at once. @param works whether it has taken others */
  deferred(place: Place, works: boolean): void {
    if (works) this.#change(place, () => ({ failures: 0, restsUntilMs: Date.now() + (restsMs[1] ?? 0) }));
    else this.failed(place);
  }

  /** Ends idle sessions, once nothing is sent any more. */
  onApplicationShutdown(): void {
    for (const { pool } of this.#kept.values()) pool.close();
    this.#kept.clear();
  }

  #change({ id, version }: Place, change: (kept: Kept) => Partial<Kept>): void {
    const kept = this.#kept.get(id);
    if (kept?.version === version) Object.assign(kept, change(kept));
  }
}
