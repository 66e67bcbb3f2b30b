import type { PeerRecord } from '../../connectors/peer-record.js';
import type { ExchangeContext } from '../exchange-context.js';
import type { Conflict } from '../links/conflict-store.js';
import type { Link } from '../links/link.js';
import type { ExchangedRecord } from '../mappings/lenses/field-values.js';
import { identityOfCustomer, identityOfRecord, likeness, uniqueTexts, type Likeness } from './identity.js';
import { LinkTaker } from './link-taker.js';

/** Of a customer that has a value of the record, when no match field and no name speaks for it. */
const reasonsOf: Readonly<Record<string, string[]>> = { COMPANY: ['DOMAIN'], PERSON: ['EMAIL'] };
const unlike = { grade: 1, isAlike: false, score: 50 } as const;

/**
 * Decides about a record of which no customer can be made, since there is one that has its e-mail address or domain: by the same rules
 * as about records that were there before the first exchange.
 */
export class TakenValues {
  readonly #taker: LinkTaker;

  constructor(private readonly context: ExchangeContext) {
    this.#taker = new LinkTaker(context);
  }

  /**
   * @returns TAKEN when the record belongs to that customer from now on, or what to ask a person; undefined when there is nothing to
   *   ask: a person has said that they are not the same, or the customer is of another kind
   */
  async decide(link: Link, record: PeerRecord): Promise<'TAKEN' | Conflict | undefined> {
    const { questions } = this.context;
    const candidates = await this.#candidates(record);
    const [best, second] = candidates;
    const isSure = best !== undefined && best.grade > 1 && best.grade !== second?.grade;
    // One that another record may be is not given to this one.
    const isFree = isSure && (await questions.ofCustomer(best.customer.id)) === undefined;
    await questions.put(
      candidates.map(({ customer, score, reasons }) => ({
        ...{ record_id: record.id, customer_id: customer.id },
        ...{ score, reasons },
      })),
    );
    const open = await questions.candidatesOf(record.id);
    if (isFree && open.includes(best.customer.id) && (await this.#taker.take(link, best.customer.id)) === 'TAKEN') {
      return 'TAKEN';
    }
    return questions.ofRecord(record.id);
  }

  /** The customers that have the record's external id, one of its e-mail addresses or domains: the likeliest first. */
  async #candidates(record: PeerRecord): Promise<({ customer: ExchangedRecord } & Likeness)[]> {
    const { customers, mapping, fieldViews } = this.context;
    const views = await fieldViews.ofPeer(record.fields);
    const identity = identityOfRecord(record.id, views, mapping);
    const system = mapping.externalIdSystem ?? undefined;
    const found = await customers.having({
      ...uniqueTexts(views, mapping),
      external_ids: system === undefined ? [] : [`${system}/${record.id}`],
    });
    return found
      .map((customer) => {
        const reasons = reasonsOf[mapping.customerKind ?? ''] ?? [];
        const alike = likeness(identityOfCustomer(customer, mapping), identity) ?? { ...unlike, reasons };
        return { customer, ...alike };
      })
      .sort((one, other) => other.grade - one.grade || other.score - one.score);
  }
}
