import type { PeerRecord } from '../../connectors/peer-record.js';
import type { ExchangeContext } from '../exchange-context.js';
import type { Conflict } from '../links/conflict-store.js';
import type { Link } from '../links/link.js';
import type { ExchangedRecord } from '../mappings/lenses/field-values.js';
import { identityOfCustomer, identityOfRecord, likeness, uniqueTexts, type Likeness } from './identity.js';
import { LinkTaker } from './link-taker.js';

/** Score of a customer that shares a value with the record, when no match field and no name agrees. */
const reasonsOf: Readonly<Record<string, string[]>> = { COMPANY: ['DOMAIN'], PERSON: ['EMAIL'] };
const unlike = { grade: 1, isAlike: false, score: 50 } as const;

/**
 * Handles a record whose customer cannot be created because another one has its e-mail address or domain. The rules are
 * those for records from before the first exchange.
 */
export class TakenValues {
  readonly #taker: LinkTaker;

  constructor(private readonly context: ExchangeContext) {
    this.#taker = new LinkTaker(context);
  }

  /**
   * @returns TAKEN when the record is paired with that customer now, or the conflict to open; undefined when there is
   * none to open, because a user has rejected the match or the customer has another kind
   */
  async decide(link: Link, record: PeerRecord): Promise<'TAKEN' | Conflict | undefined> {
    const { pairingConflicts } = this.context;
    const candidates = await this.#candidates(record);
    const [best, second] = candidates;
    const isSure = best !== undefined && best.grade > 1 && best.grade !== second?.grade;
    // A candidate of another record is not paired with this one.
    const isFree = isSure && (await pairingConflicts.ofCustomer(best.customer.id)) === undefined;
    await pairingConflicts.put(
      candidates.map(({ customer, score, reasons }) => ({
        ...{ record_id: record.id, customer_id: customer.id },
        ...{ score, reasons },
      })),
    );
    const open = await pairingConflicts.candidatesOf(record.id);
    if (isFree && open.includes(best.customer.id) && (await this.#taker.take(link, best.customer.id)) === 'TAKEN') {
      return 'TAKEN';
    }
    return pairingConflicts.ofRecord(record.id);
  }

  /** The customers with the record's external id, one of its e-mail addresses or domains; the best match first. */
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
