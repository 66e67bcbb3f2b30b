import type { PeerRecord } from '../../connectors/peer-record.js';
import type { ExchangeContext } from '../exchange-context.js';
import type { Link } from '../links/link.js';
import type { PairWriter } from '../writes/pair-writer.js';
import type { PairKeeper, Settled } from './pair-keeper.js';
import type { PairPlanner } from './plan-pair.js';

/** The consequence for a record whose customer was merged into another one. */
export class MergeFollower {
  constructor(
    private readonly context: ExchangeContext,
    private readonly planner: PairPlanner,
    private readonly writer: PairWriter,
    private readonly keeper: PairKeeper,
  ) {}

  /**
   * The record is paired with the surviving customer. If that one has a record of its own, this one is a duplicate: its
   * changes go to the customer, and then it is deleted.
   */
  async follow(link: Link, survivorId: string, record: PeerRecord | undefined, mayDelete: boolean): Promise<Settled> {
    const { links, customers } = this.context;
    if (!(await links.byCustomer(survivorId))) {
      Object.assign(link, { customerId: survivorId, customerVersion: null });
      await links.save(link);
      return 'STALE';
    }
    if (!record) {
      await links.remove(link);
      return 'DONE';
    }
    const survivor = await customers.get(survivorId);
    if (!survivor.isThere) return 'STALE';
    if (!survivor.takesPart) return this.keeper.leaveOut(link);
    const edits = await this.planner.merge(
      link,
      survivor.customer,
      record,
      await this.planner.changedRules(link, record),
    );
    if (edits.conflicts.length > 0) {
      const conflict = await this.planner.fieldConflict(edits.conflicts, survivor.customer, record);
      return this.keeper.leave(link, { record }, conflict);
    }
    if (edits.toCustomer.size === 0) return this.#drop(link, record, mayDelete);
    const base = Object.fromEntries(Object.entries(edits.base).filter(([field]) => edits.toCustomer.has(field)));
    const written = await this.writer.updateCustomer(link, survivor.customer, edits.toCustomer, base);
    if (written.outcome === 'REFUSED') return this.keeper.leave(link, { record }, written.conflict);
    if (written.outcome === 'DONE') {
      this.context.counts.customersUpdated += 1;
      await links.save(link);
    }
    return 'STALE';
  }

  async #drop(link: Link, record: PeerRecord, mayDelete: boolean): Promise<Settled> {
    const { deletePolicy, direction } = this.context.mapping;
    if (deletePolicy === 'KEEP' || direction === 'TO_CUSTOMERS') return this.keeper.setApart(link);
    if (!mayDelete) return this.keeper.markDeleting(link);
    const written = await this.writer.records.delete(link, record);
    if (written.outcome === 'REFUSED') return this.keeper.leave(link, { record }, written.conflict);
    if (written.outcome === 'STALE') return 'STALE';
    this.context.counts.recordsDeleted += 1;
    await this.context.links.remove(link);
    return 'DONE';
  }
}
