import type { EntityManager } from '@mikro-orm/postgresql';
import { LRUCache } from 'lru-cache';
import type { PageQuery } from './page-statements.js';

/** For how many lists, with which total size in characters, and how long a process knows it. */
const maxKnown = { max: 10_000, maxSize: 2 * 1024 * 1024, ttl: 600_000 };

/** By database connection. */
const known = new WeakMap<object, ScarceMatches>();

/**
 * The lists whose conditions few records meet: testing the first records did not fill a page. Clients repeat searches and
 * refresh lists, and the next call finds the records by their indexes at once. A list that is no longer among them costs
 * time, and shows the same.
 */
export class ScarceMatches {
  readonly #lists = new LRUCache<string, true>({ ...maxKnown, sizeCalculation: (_, key) => key.length });

  static of(em: EntityManager): ScarceMatches {
    const connection = em.getConnection();
    let matches = known.get(connection);
    if (!matches) known.set(connection, (matches = new ScarceMatches()));
    return matches;
  }

  has(query: PageQuery): boolean {
    return this.#lists.has(keyOf(query));
  }

  note(query: PageQuery): void {
    this.#lists.set(keyOf(query), true);
  }
}

function keyOf({ type, tenantId, order, valued, conditions }: PageQuery): string {
  return JSON.stringify([tenantId, type.table, order.name, order.direction, valued, conditions.map(({ row }) => row)]);
}
