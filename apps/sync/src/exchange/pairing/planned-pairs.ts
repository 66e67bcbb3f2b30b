import { v7 as uuidv7 } from 'uuid';
import type { ExchangeContext } from '../exchange-context.js';
import { newLink, type Link } from '../links/link.js';

/** The links that a dry run would store for its pairs. They exist in memory only. */
export class PlannedPairs {
  readonly #paired = new WeakSet<Link>();
  readonly #inQuestion = new WeakSet<Link>();

  constructor(private readonly context: ExchangeContext) {}

  async ofCustomer(customerId: string): Promise<Link | undefined> {
    if (!this.context.pairing) return undefined;
    return this.#link(await this.context.matches.about({ customerIds: [customerId] }), { customerId });
  }

  async ofRecord(recordId: string): Promise<Link | undefined> {
    if (!this.context.pairing) return undefined;
    return this.#link(await this.context.matches.about({ recordIds: [recordId] }), { recordId });
  }

  isPaired(link: Link | undefined): boolean {
    return link !== undefined && this.#paired.has(link);
  }

  isInQuestion(link: Link): boolean {
    return this.#inQuestion.has(link);
  }

  #link(
    rows: readonly { outcome: string; record_id: string | null; customer_id: string | null }[],
    alone: Partial<Pick<Link, 'customerId' | 'recordId'>>,
  ): Link | undefined {
    const pair = rows.find(({ outcome }) => outcome === 'PAIR');
    const sides = pair ? { customerId: pair.customer_id, recordId: pair.record_id } : alone;
    if (rows.length === 0) return undefined;
    const link = newLink(uuidv7(), sides);
    (pair ? this.#paired : this.#inQuestion).add(link);
    return link;
  }
}
