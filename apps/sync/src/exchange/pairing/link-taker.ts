import type { ExchangeContext } from '../exchange-context.js';
import type { Link } from '../links/link.js';
import { PairKeeper } from '../pairs/pair-keeper.js';
import { RecordWriter } from '../writes/write-record.js';

/** Pairs a record without a customer with an existing one. */
export class LinkTaker {
  readonly #keeper: PairKeeper;
  readonly #records: RecordWriter;

  constructor(private readonly context: ExchangeContext) {
    this.#keeper = new PairKeeper(context);
    this.#records = new RecordWriter(context);
  }

  /**
   * The two have no base yet: they are merged when the pair is settled.
   *
   * @returns LINKED when the customer has another record, and separating them would lose data
   */
  async take(link: Link, customerId: string): Promise<'TAKEN' | 'LINKED'> {
    const { links, pairingConflicts, hints } = this.context;
    const other = await links.byCustomer(customerId);
    let copy: Link | undefined;
    if (other && other.id !== link.id) {
      if (other.sealedIntent !== null || (other.recordId !== null && !(await this.#isCopy(other)))) return 'LINKED';
      if (other.recordId === null) await links.remove(other);
      else {
        // From here on it is only a copy to delete, even after a crash.
        copy = Object.assign(other, { customerId: null, isApart: true, answer: { choice: 'DROP_COPY' } as const });
        await this.#keeper.keep(copy, undefined);
        await hints.put('PEER', other.recordId);
      }
    }
    Object.assign(link, { customerId, base: {}, customerVersion: null, recordVersion: null, answer: null });
    await this.#keeper.keep(link, undefined);
    if (link.recordId !== null) await pairingConflicts.choose(link.recordId, customerId);
    if (copy) await this.dropCopy(copy);
    return 'TAKEN';
  }

  /** Deletes the copy, unless it was edited since its creation. An edited one stays, without a customer. */
  async dropCopy(link: Link): Promise<void> {
    const { links, peer, mapping, counts, signal } = this.context;
    const record = link.recordId === null ? undefined : await peer.readOne(mapping.recordType, link.recordId, signal);
    if (record) {
      const isCopy = record.version === link.copyVersion;
      if (!isCopy || (await this.#records.delete(link, record)).outcome !== 'DONE') {
        await this.#keeper.setApart(Object.assign(link, { answer: null }));
        return;
      }
      counts.recordsDeleted += 1;
    }
    await links.remove(link);
  }

  async #isCopy({ recordId, copyVersion, isLeftOut }: Link): Promise<boolean> {
    const { peer, mapping, signal } = this.context;
    if (recordId === null || copyVersion === null || isLeftOut || mapping.direction === 'TO_CUSTOMERS') return false;
    const record = await peer.readOne(mapping.recordType, recordId, signal);
    return record === undefined || record.version === copyVersion;
  }
}
