import { ConnectorError } from '../connectors/connector-error.js';
import type { ExchangeContext } from './exchange-context.js';
import type { Hint } from './links/hint-store.js';
import type { ProgressStore } from './runs/progress-store.js';
import { Pairing } from './pairing/pair-records.js';
import { MassDeleteError } from './runs/run-failure.js';
import { RecordSettler } from './settle-records.js';
import { PairSettler } from './pairs/settle-pair.js';

const pageSize = 100;

/** Exchanges what has changed between the customers and the records of one mapping; all of them the first time. */
export class Exchange {
  readonly settler: RecordSettler;

  /** @param onProgress told when something more is done for good */
  constructor(
    private readonly context: ExchangeContext,
    private readonly progress: ProgressStore,
    private readonly onProgress: () => Promise<void>,
  ) {
    this.settler = new RecordSettler(context, new PairSettler(context));
  }

  /** @throws MassDeleteError when there are more deletes than `maxDeletes` */
  async run(maxDeletes: number): Promise<void> {
    await this.recover();
    await this.pairFirst();
    await this.#readPeer();
    await this.#readCustomers();
    await this.#takeHints();
    await this.delete(maxDeletes);
  }

  /** Finishes what was under way, before it is met as something new on one of the sides. */
  async recover(): Promise<void> {
    await this.settler.settleLinks(await this.context.links.intending());
  }

  /** Pairs what is on both sides before the first exchange, so that it creates nothing that is there already. */
  async pairFirst(): Promise<void> {
    if (await this.isPaired()) return;
    const pairing = new Pairing(this.context);
    this.context.pairing = await pairing.find(false);
    // All records are read after this, so that nobody has to ask for them.
    if (this.context.pairing) await pairing.apply(false);
    await this.progress.keepPaired();
    await this.onProgress();
  }

  async isPaired(): Promise<boolean> {
    return (await this.progress.find()).isPaired;
  }

  /** Pairs what belongs to none, as often as a person asks for it. */
  async pair(isDry: boolean): Promise<void> {
    const pairing = new Pairing(this.context);
    this.context.pairing = await pairing.find(true);
    if (isDry) return;
    await pairing.apply((await this.progress.find()).isPeerRead);
    await this.progress.keepPaired();
  }

  /** Does the deletes that were noted, unless there are too many. */
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

  /** Links of records that the other system no longer has, where it does not tell of deletes by itself. */
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

  /** @param isPeerRead false for what is a read from the beginning, or goes on with one */
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
    // What was deleted before a read from the beginning is not in it.
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

  /** What waited for a question that has ended is not left to the next run, which may be a day away. */
  async #takeHints(): Promise<void> {
    do await this.#passHints();
    while (this.context.questions.takeFreed());
  }

  /** In one pass: what is put off, or comes meanwhile to a record that was passed, is a matter of the next one. */
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
