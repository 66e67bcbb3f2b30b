import type { ExchangeContext } from '../exchange-context.js';
import type { Link, LinkAnswer } from '../links/link.js';
import { PairKeeper, type Settled } from '../pairs/pair-keeper.js';
import { LinkTaker } from './link-taker.js';

/** Executes answers to pairing conflicts. */
export class LinkAnswerer {
  readonly #keeper: PairKeeper;
  readonly #taker: LinkTaker;

  constructor(private readonly context: ExchangeContext) {
    this.#keeper = new PairKeeper(context);
    this.#taker = new LinkTaker(context);
  }

  /** @returns STALE when the pair must be settled in its current state */
  async answer(link: Link, answer: LinkAnswer): Promise<Settled> {
    switch (answer.choice) {
      case 'LINK':
        return this.#linkWith(link, answer.customerId);
      case 'SEPARATE':
        await this.#refute(link);
        await this.context.links.save(Object.assign(link, { answer: null }));
        return 'STALE';
      case 'IGNORE':
        await this.#refute(link);
        return this.#keeper.setApart(Object.assign(link, { answer: null }));
      case 'DROP_COPY':
        await this.#taker.dropCopy(link);
        return 'DONE';
      default:
        return answer satisfies never;
    }
  }

  async #linkWith(link: Link, customerId: string): Promise<Settled> {
    const { customers, links, pairingConflicts } = this.context;
    const customer = await customers.get(customerId);
    if (!customer.isThere && customer.mergedInto !== undefined) {
      await pairingConflicts.move(customerId, customer.mergedInto);
      await links.save(Object.assign(link, { answer: { choice: 'LINK', customerId: customer.mergedInto } }));
      return 'STALE';
    }
    // A deleted customer is no candidate.
    if (!customer.isThere) await pairingConflicts.forget('CUSTOMER', customerId);
    else if ((await this.#taker.take(link, customerId)) === 'TAKEN') return 'STALE';
    // The answer cannot be executed any more, so the conflict is opened again.
    await links.save(Object.assign(link, { answer: null }));
    return 'STALE';
  }

  async #refute({ recordId, customerId }: Link): Promise<void> {
    if (recordId !== null) await this.context.pairingConflicts.refute('PEER', recordId);
    else if (customerId !== null) await this.context.pairingConflicts.refute('CUSTOMER', customerId);
  }
}
