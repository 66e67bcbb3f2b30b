import type { ExchangeContext } from '../exchange-context.js';
import type { Conflict } from '../links/conflict-store.js';
import type { Base } from '../links/link.js';
import type { PairKeeper, Settled } from '../pairs/pair-keeper.js';
import type { PairPlanner, Plan } from '../pairs/plan-pair.js';
import type { ReferenceWaiter } from '../pairs/wait-for-pairs.js';
import { baseWithout } from './left-out.js';
import type { PairWriter } from './pair-writer.js';
import type { Written } from './written.js';

/** More automatic steps in a row than this are a loop. */
const maxHop = 8;

type MergePlan = Extract<Plan, { action: 'MERGE' }>;

/** Makes the fields of both sides of a pair equal. */
export class MergeWriter {
  constructor(
    private readonly context: ExchangeContext,
    private readonly planner: PairPlanner,
    private readonly writer: PairWriter,
    private readonly keeper: PairKeeper,
    private readonly waiter: ReferenceWaiter,
  ) {}

  /** Writes the fields that differ, to the customer first. A refusal of one side does not stop the write to the other. */
  async write(plan: MergePlan, hop: number): Promise<Settled> {
    const { link, customer, record, merged } = plan;
    const { toCustomer, toPeer, conflicts, base } = merged;
    if (this.#isLoop(plan, hop)) {
      const message = 'The two sides keep changing the values of each other.';
      return this.keeper.leave(link, { customer, record }, { kind: 'LOOP', message });
    }
    const isSettled = (field: string) => !toCustomer.has(field) && !toPeer.has(field) && !conflicts.includes(field);
    link.base = { ...link.base, ...pick(base, isSettled) };
    this.keeper.note(link, { customer, record });
    if (await this.#wait(plan)) return 'STALE';
    const left: Conflict[] = [];
    for (const write of [() => this.#updateCustomer(plan), () => this.#updateRecord(plan, hop)]) {
      const written = await write();
      if (written.outcome === 'STALE') return 'STALE';
      if (written.outcome === 'REFUSED') left.push(written.conflict);
    }
    if (conflicts.length > 0) left.push(await this.planner.fieldConflict(conflicts, customer, record));
    if (left.length === 0) link.choice = null;
    await this.keeper.keep(link, left[0]);
    return 'DONE';
  }

  /**
   * References to records without a pair wait and count as unread. The other fields are written.
   *
   * @returns whether a pair exists by now
   */
  async #wait({ link, customer, record, merged: { toPeer } }: MergePlan): Promise<boolean> {
    const { fieldViews } = this.context;
    const [ofPeer, ofCustomer] = [await fieldViews.unmetOfPeer(record.fields), await fieldViews.unmetOfViews(toPeer)];
    const waits = [
      await this.waiter.wait('PEER', record.id, record.id, ofPeer),
      await this.waiter.wait('CUSTOMER', customer.id, record.id, ofCustomer),
    ];
    for (const { rule } of ofCustomer) toPeer.delete(rule.customerField);
    if (ofPeer.length > 0) link.recordVersion = null;
    if (ofCustomer.length > 0) link.customerVersion = null;
    return waits.includes('MET');
  }

  #isLoop({ link, merged: { toCustomer, toPeer } }: MergePlan, hop: number): boolean {
    if (link.choice) return false;
    return (toCustomer.size > 0 && this.writer.customers.nextHop(link) > maxHop) || (toPeer.size > 0 && hop > maxHop);
  }

  async #updateCustomer({ link, customer, merged }: MergePlan): Promise<Written> {
    const { toCustomer, toPeer, base } = merged;
    if (toCustomer.size === 0) return { outcome: 'DONE' };
    // A field that is written to both sides has a new base after both writes.
    const ofCustomer = pick(base, (field) => toCustomer.has(field) && !toPeer.has(field));
    const written = await this.writer.updateCustomer(link, customer, toCustomer, ofCustomer);
    if (written.outcome !== 'DONE') return written;
    this.context.counts.customersUpdated += 1;
    // The next write to the record agrees with the customer's current value.
    if (written.leftOut) merged.base = baseWithout(base, written.leftOut, 'customer', this.context.fingerprint);
    return written;
  }

  async #updateRecord({ link, record, merged: { toPeer, base } }: MergePlan, hop: number): Promise<Written> {
    if (toPeer.size === 0) return { outcome: 'DONE' };
    const ofPeer = pick(base, (field) => toPeer.has(field));
    const written = await this.writer.updateRecord(link, record, toPeer, ofPeer, hop);
    if (written.outcome === 'DONE') this.context.counts.recordsUpdated += 1;
    return written;
  }
}

function pick(base: Base, isWanted: (field: string) => boolean): Base {
  return Object.fromEntries(Object.entries(base).filter(([field]) => isWanted(field)));
}
