import { ConnectorError } from '../connectors/connector-error.js';
import type { ExchangeContext } from './exchange-context.js';
import type { Hint } from './links/hint-store.js';
import type { ProgressStore } from './runs/progress-store.js';
import { Pairing } from './pairing/pair-records.js';
import { MassDeleteError } from './runs/run-failure.js';
import { RecordSettler } from './settle-records.js';
import { PairSettler } from './pairs/settle-pair.js';

const pageSize = 100;

/** Exchanges the changes between the customers and the records of a mapping. The first exchange covers all of them. */
export class Exchange {
  readonly settler: RecordSettler;

  /** @param onProgress called after each step that is stored for good */
  constructor(
    private readonly context: ExchangeContext,
    private readonly progress: ProgressStore,
    private readonly onProgress: () => Promise<void>,
  ) {
    this.settler = new RecordSettler(context, new PairSettler(context));
  }

  /** @throws MassDeleteError for more deletes than `maxDeletes` */
  async run(maxDeletes: number): Promise<void> {
    await this.recover();
    await this.pairFirst();
    await this.#readPeer();
    await this.#readCustomers();
    await this.#takeHints();
    await this.delete(maxDeletes);
  }

  /** Finishes interrupted writes first, so that they are not mistaken for new changes. */
  async recover(): Promise<void> {
    await this.settler.settleLinks(await this.context.links.intending());
  }

  /** Pairs existing records of both sides before the first exchange, so that it creates no duplicates. */
  async pairFirst(): Promise<void> {
    if (await this.isPaired()) return;
    const pairing = new Pairing(this.context);
    this.context.pairing = await pairing.find(false);
    // All records are read after this, which makes hints unnecessary.
    if (this.context.pairing) await pairing.apply(false);
    await this.progress.keepPaired();
    await this.onProgress();
  }

  async isPaired(): Promise<boolean> {
    return (await this.progress.find()).isPaired;
  }

  /** Pairs records without a pair, each time that a user requests it. */
  async pair(isDry: boolean): Promise<void> {
    const pairing = new Pairing(this.context);
    this.context.pairing = await pairing.find(true);
    if (isDry) return;
    await pairing.apply((await this.progress.find()).isPeerRead);
    await this.progress.keepPaired();
  }

  /** Executes the pending deletes, unless there are too many. */
  async delete(maxDeletes: number): Promise<void> {
    const { links } = this.context;
    const count = await links.countDeleting();
    if (count > maxDeletes) throw new MassDeleteError(count);
    let last: string | undefined;
    do {
      const page = await links.deletingAfter(last, pageSize);
      await this.settler.settleLinks(page, true);
      last = page.at(-1)?.id;
    } while (last !== undefined);
  }

  /** Links of records that the peer no longer has. For peers that do not report deletes. */
  async settleMissingRecords(): Promise<void> {
    const { peer, mapping, links, records, signal } = this.context;
    await records.clear();
    for await (const page of peer.readKeys({ recordType: mapping.recordType, signal })) {
      await records.put([...new Set(page.map(({ id }) => id))].map((id) => ({ id, held: null })));
    }
    for await (const page of this.#linkPages()) {
      const there = await records.among(page.flatMap(({ recordId }) => recordId ?? []));
      for (const link of page) {
        if (link.recordId === null || there.has(link.recordId)) continue;
        const now = await links.byId(link.id);
        if (now?.recordId === link.recordId) await this.settler.settleGone(now);
      }
    }
    await records.clear();
  }

  async #readPeer(): Promise<void> {
    const { peerCursor, isPeerRead } = await this.progress.find();
    try {
      await this.#readPages(peerCursor, isPeerRead);
    } catch (error) {
      if (!(error instanceof ConnectorError) || error.reason !== 'CURSOR_EXPIRED') throw error;
      await this.#readPages(undefined, false);
    }
  }

  /** @param isPeerRead false for a full read, or the continuation of one */
  async #readPages(cursor: string | undefined, isPeerRead: boolean): Promise<void> {
    const { peer, mapping, signal } = this.context;
    let last = cursor;
    await this.progress.keepPeer(last, isPeerRead);
    for await (const page of peer.read({ recordType: mapping.recordType, cursor, pageSize, signal })) {
      await this.settler.settleItems(page.items);
      last = page.cursor;
      await this.progress.keepPeer(last, isPeerRead);
      await this.onProgress();
    }
    if (isPeerRead) return;
    // A full read does not include records that were deleted before it.
    await this.settleMissingRecords();
    await this.progress.keepPeer(last, true);
  }

  async #readCustomers(): Promise<void> {
    const { areCustomersRead, customersPageToken } = await this.progress.find();
    if (areCustomersRead) return;
    let pageToken = customersPageToken;
    do {
      const page = await this.context.customers.page(pageToken);
      await this.settler.settleCustomers(page.customers);
      pageToken = page.nextPageToken;
      await this.progress.keepCustomers(pageToken, false);
      await this.onProgress();
    } while (pageToken !== undefined);
    for await (const links of this.#linkPages()) await this.settler.settleMissing(links);
    await this.progress.keepCustomers(undefined, true);
  }

  /** Processed in this run, since the next one may be a day away. */
  async #takeHints(): Promise<void> {
    do await this.#passHints();
    while (this.context.pairingConflicts.takeFreed());
  }

  /** One pass only: hints that are deferred, or arrive for records behind it, are left to the next run. */
  async #passHints(): Promise<void> {
    let last: Hint | undefined;
    for (;;) {
      this.context.signal.throwIfAborted();
      const hints = await this.context.hints.after(last, pageSize);
      if (hints.length === 0) return;
      await this.settler.settleHints(hints);
      await this.context.hints.remove(hints);
      await this.onProgress();
      last = hints.at(-1);
    }
  }

  async *#linkPages() {
    let last: string | undefined;
    for (;;) {
      const links = await this.context.links.after(last, pageSize);
      if (links.length === 0) return;
      yield links;
      last = links.at(-1)?.id;
    }
  }
}
