import { setTimeout as delay } from 'node:timers/promises';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Pool } from 'pg';

/** Connections that calls take per second at which an import leaves half of the time to them, and so on in proportion. */
const busyRate = 100;

/** Longest rest, as a multiple of the work before it: an import goes on beside any number of calls. */
const mostRest = 4;

const takenFrom = new WeakMap<Pool, { count: number }>();

/** The pace of bulk writes: as fast as they go while nobody else works, and slower the more calls this process answers. */
export class BulkPace {
  private constructor(private readonly taken: { readonly count: number }) {}

  static async of(em: EntityManager): Promise<BulkPace> {
    const pool = await em.getConnection().getNativeClient();
    const known = takenFrom.get(pool);
    if (known) return new BulkPace(known);
    const taken = { count: 0 };
    pool.on('acquire', () => (taken.count += 1));
    takenFrom.set(pool, taken);
    return new BulkPace(taken);
  }

  /** Does some of the work, and then waits for as long as the calls meanwhile ask for. */
  async keep<Result>(work: () => Promise<Result>): Promise<Result> {
    const [before, began] = [this.taken.count, performance.now()];
    const result = await work();
    const tookMs = performance.now() - began;
    const rate = ((this.taken.count - before) / tookMs) * 1_000;
    const waitMs = tookMs * Math.min(mostRest, rate / busyRate);
    if (waitMs >= 1) await delay(waitMs);
    return result;
  }
}
