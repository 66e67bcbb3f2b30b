import { etagVersion } from '@rapport/persistence';
import type { ReadItem } from '../connectors/connector.js';
import type { PeerRecord } from '../connectors/peer-record.js';
import type { RecordState, PresentRecord } from './customers/acting-records.js';
import { noteIssues, type ExchangeContext } from './exchange-context.js';
import type { Hint } from './links/hint-store.js';
import { isInFlight, type Link } from './links/link.js';
import type { Sides } from './pairs/plan-pair.js';
import type { PairSettler } from './pairs/settle-pair.js';

/** Number of pairs that are settled concurrently. */
const concurrency = 8;

/** Maximum number of ids in a read of customers. */
const batchSize = 100;

/** Settles records and customers of which one side has changed, or may have. */
export class RecordSettler {
  constructor(
    private readonly context: ExchangeContext,
    private readonly pairs: PairSettler,
  ) {}

  /** Settles records from the peer's change list. Skips those at the version that the link has. */
  async settleItems(items: readonly ReadItem[]): Promise<void> {
    const links = await this.context.links.byRecords(items.flatMap((item) => idOf(item) ?? []));
    const open = items.filter((item) => !this.#isKnown(item, links));
    const customers = await this.#customersOf(open.flatMap((item) => links.get(idOf(item) ?? '')?.customerId ?? []));
    this.context.counts.seen += items.length;
    for (const item of items) noteIssues(this.context, item);
    await inParallel(open, async (item) => {
      const link = links.get(idOf(item) ?? '');
      const customer = await this.#stateOf(link?.customerId ?? null, customers);
      if (item.kind === 'RECORD') return this.pairs.settle({ link, customer, record: item.record, hop: 0 });
      if (item.kind === 'DELETED' && link) return this.pairs.settle({ link, customer, record: undefined, hop: 0 });
    });
  }

  /** Settles existing customers. Skips those at the version that the link has. */
  async settleCustomers(customers: readonly PresentRecord[]): Promise<void> {
    this.context.counts.seen += customers.length;
    await inParallel(customers, (state) => this.#settleCustomer(state, state.customer.id, 0));
  }

  /** Settles customers and records that may have changed. */
  async settleHints(hints: readonly Hint[]): Promise<void> {
    this.context.counts.seen += hints.length;
    const ids = hints.filter(({ side }) => side === 'CUSTOMER').map(({ recordId }) => recordId);
    const customers = await this.#customersOf(ids);
    await inParallel(hints, async ({ side, recordId, hop }) => {
      if (side === 'PEER') return this.#settleRecord(recordId);
      const state = await this.#stateOf(recordId, customers);
      if (state) await this.#settleCustomer(state, recordId, hop, true);
    });
  }

  /** Settles links whose customers are deleted without a noted change. */
  async settleMissing(links: readonly Link[]): Promise<void> {
    const ids = links.flatMap(({ customerId }) => customerId ?? []);
    const there = await this.#customersOf(ids);
    const missing = ids.filter((id) => !there.has(id));
    await inParallel(missing, async (id) => this.#settleCustomer(await this.context.customers.get(id), id, 0));
  }

  /** Settles a record that is missing from the peer's list of ids. */
  async settleGone(link: Link): Promise<void> {
    const customer = link.customerId === null ? undefined : await this.context.customers.get(link.customerId);
    await this.pairs.settle({ link, customer, record: undefined, hop: 0 });
  }

  /** Settles pairs in their current state. @param mayDelete true to execute pending deletes that still apply */
  async settleLinks(links: readonly Link[], mayDelete = false): Promise<void> {
    await inParallel(links, async (link) => {
      const customer = link.customerId === null ? undefined : await this.context.customers.get(link.customerId);
      await this.pairs.settle({ link, customer, record: await this.#recordOf(link), hop: 0 }, mayDelete);
    });
  }

  /** Settles a pair that was already read. */
  settle(sides: Sides): Promise<void> {
    return this.pairs.settle(sides);
  }

  async #settleCustomer(state: RecordState, id: string, hop: number, isDeleteNoted = false): Promise<void> {
    const link = await this.context.links.byCustomer(id);
    if (!link) {
      if (state.isThere) return this.pairs.settle({ link, customer: state, record: undefined, hop });
      return this.#forget(id, state.mergedInto);
    }
    if (state.isThere && isLeftAlready(link, state)) {
      this.context.counts.filtered += 1;
      return;
    }
    if (state.isThere && isKnown(link, state)) return;
    const record = await this.#recordOf(link);
    // Only a reported delete counts as one: an unreadable record may exist.
    if (state.isThere && link.recordId !== null && !record && !link.isDeleting) {
      // The next run checks again, because changes of the customer may still have to be exchanged.
      return this.context.hints.put('CUSTOMER', id);
    }
    await this.pairs.settle({ link, customer: state, record, hop, isDeleteNoted });
  }

  /** A deleted customer without a record counts as none. */
  #forget(id: string, mergedInto: string | undefined): Promise<void> {
    const { pairingConflicts } = this.context;
    return mergedInto === undefined ? pairingConflicts.forget('CUSTOMER', id) : pairingConflicts.move(id, mergedInto);
  }

  async #settleRecord(recordId: string): Promise<void> {
    const { links, peer, mapping, signal } = this.context;
    const [link, record] = [await links.byRecord(recordId), await peer.readOne(mapping.recordType, recordId, signal)];
    if (record) noteIssues(this.context, { kind: 'RECORD', record });
    if (record ? isSeen(link, record) : !link) return;
    const customer = await this.#stateOf(link?.customerId ?? null, new Map());
    await this.pairs.settle({ link, customer, record, hop: 0 });
  }

  #isKnown(item: ReadItem, links: ReadonlyMap<string, Link>): boolean {
    // An unreadable record counts as unreported: it is not deleted, and its content is unknown.
    if (item.kind === 'UNREADABLE') return true;
    const link = links.get(idOf(item) ?? '');
    if (item.kind === 'DELETED') return link === undefined;
    return isSeen(link, item.record);
  }

  #recordOf({ recordId }: Link): Promise<PeerRecord | undefined> {
    const { peer, mapping, signal } = this.context;
    return recordId === null ? Promise.resolve(undefined) : peer.readOne(mapping.recordType, recordId, signal);
  }

  async #customersOf(ids: readonly string[]): Promise<Map<string, PresentRecord>> {
    const all = new Map<string, PresentRecord>();
    for (let start = 0; start < ids.length; start += batchSize) {
      const found = await this.context.customers.batchGet(ids.slice(start, start + batchSize));
      for (const [id, customer] of found) all.set(id, customer);
    }
    return all;
  }

  /** A customer that was not found may have been merged. */
  #stateOf(id: string | null, customers: ReadonlyMap<string, PresentRecord>): Promise<RecordState | undefined> {
    if (id === null) return Promise.resolve(undefined);
    const found = customers.get(id);
    return found ? Promise.resolve(found) : this.context.customers.get(id);
  }
}

function isSeen(link: Link | undefined, { version }: PeerRecord): boolean {
  return link?.recordVersion === version && !isOpen(link);
}

function isKnown(link: Link, { customer, takesPart }: PresentRecord): boolean {
  return takesPart && etagVersion(customer.etag) === link.customerVersion && !isOpen(link);
}

/** Whether the link already stores that its customer does not match the filter, and nothing else is left to do. */
function isLeftAlready(link: Link, { takesPart }: PresentRecord): boolean {
  return !takesPart && link.isLeftOut && !isInFlight(link);
}

/** Whether a link has unfinished work though both sides are at the versions that it has. */
function isOpen(link: Link): boolean {
  return isInFlight(link) || link.isLeftOut || link.customerId === null || link.recordId === null;
}

function idOf(item: ReadItem): string | undefined {
  return item.kind === 'RECORD' ? item.record.id : item.id;
}

/** Processes items with bounded concurrency. After a failure it starts no further item, and waits for those in progress. */
async function inParallel<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      await work(item).catch((error: unknown) => {
        waiting.length = 0;
        throw error;
      });
    }
  };
  const workers = Array.from({ length: Math.min(concurrency, items.length) }, worker);
  const failed = (await Promise.allSettled(workers)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}
