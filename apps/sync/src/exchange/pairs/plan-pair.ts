import { etagVersion } from '@rapport/persistence';
import type { PeerRecord } from '../../connectors/peer-record.js';
import type { RecordState } from '../customers/acting-records.js';
import type { ExchangeContext } from '../exchange-context.js';
import type { Conflict } from '../links/conflict-store.js';
import type { Base, Link } from '../links/link.js';
import type { FieldRule } from '../mappings/field-rule.js';
import type { ExchangedRecord } from '../mappings/lenses/field-values.js';
import type { Side, Views } from '../mappings/mapping-views.js';
import { decidePair, type Pair, type PairAction } from './decide-pair.js';
import { mergeFields, type Merged } from './merge-fields.js';

/** The current state of both sides of a pair, as far as they exist. */
export interface Sides {
  link: Link | undefined;
  customer: RecordState | undefined;
  record: PeerRecord | undefined;
  /** Number of automatic steps behind the change of the pair. */
  hop: number;
  /** Whether a change says that the customer was deleted. */
  isDeleteNoted?: boolean | undefined;
}

/** The steps to settle a pair. */
export type Plan =
  | { action: Exclude<PairAction, 'MERGE'> }
  | { action: 'MERGE'; link: Link; customer: ExchangedRecord; record: PeerRecord; merged: Merged };

/** A time with its offset from UTC (RFC 3339). */
const zoned = /T[\d:.]+(?:Z|[+-]\d\d:?\d\d)$/i;

/** Plans the steps for pairs, without side effects. */
export class PairPlanner {
  constructor(private readonly context: ExchangeContext) {}

  /** @throws EvaluationError */
  async plan(sides: Sides): Promise<Plan> {
    const { link, customer: state, record } = sides;
    const customer = state?.isThere ? state.customer : undefined;
    const { mapping } = this.context;
    if (!link && customer && !this.context.customers.isTaken(customer)) return { action: 'NONE' };
    const action = decidePair(await this.#pair(sides));
    if (action !== 'MERGE') return { action };
    if (!link || !customer || !record) throw new Error('What is to be merged lacks a side.');
    return { action, link, customer, record, merged: await this.merge(link, customer, record, mapping.fields) };
  }

  /** @param rules of the fields to merge */
  async merge(link: Link, customer: ExchangedRecord, record: PeerRecord, rules: readonly FieldRule[]): Promise<Merged> {
    const { mapping, fieldViews, fingerprint } = this.context;
    const peer = await fieldViews.ofPeer(record.fields);
    return mergeFields({
      // A reference to a record without a pair waits.
      rules: rules.filter(({ customerField }) => customerField in peer),
      policy: mapping.policy,
      direction: mapping.direction,
      base: this.#baseOf(link, customer),
      customer: fieldViews.ofCustomer(customer),
      peer,
      newest: this.#newest(customer, record),
      choice: link.choice ?? undefined,
      fingerprint,
    });
  }

  /** The rules of the fields of a record that have changed since the last agreement. */
  async changedRules({ base }: Link, record: PeerRecord): Promise<FieldRule[]> {
    const views = await this.context.fieldViews.ofPeer(record.fields);
    return this.context.mapping.fields.filter(
      ({ customerField: field }) =>
        field in views && this.context.fingerprint(views[field] ?? null) !== base[field]?.peer,
    );
  }

  async fieldConflict(fields: readonly string[], customer: ExchangedRecord, record: PeerRecord): Promise<Conflict> {
    const { fieldViews } = this.context;
    const [ofCustomer, ofPeer] = [fieldViews.ofCustomer(customer), await fieldViews.ofPeer(record.fields)];
    return {
      kind: 'FIELDS',
      message: `Both have changed ${fields.join(', ')}.`,
      fields: fields.map((field) => ({ field, customer: ofCustomer[field] ?? null, peer: ofPeer[field] ?? null })),
    };
  }

  /**
   * The last agreed values. A customer that is older than them is from a restored backup: where it differs, the record
   * counts as the side that has changed, so that its values return.
   */
  #baseOf(link: Link, customer: ExchangedRecord): Base {
    if (link.customerVersion === null || etagVersion(customer.etag) >= link.customerVersion) return link.base;
    const views = this.context.fieldViews.ofCustomer(customer);
    const fields = Object.entries(link.base).map(([field, base]) => {
      const now = this.context.fingerprint(views[field] ?? null);
      return [field, now === base.customer ? base : { ...base, customer: now, peer: '' }] as const;
    });
    return Object.fromEntries(fields);
  }

  /** Whether the customer of a pair is missing and was never deleted: its database was restored from a backup. */
  async #isLost({ link, customer: state, record, isDeleteNoted }: Sides): Promise<boolean> {
    const id = link?.customerId ?? undefined;
    if (id === undefined || !record || !state || state.isThere || state.isErased || link?.isApart) return false;
    if (isDeleteNoted || link?.isDeleting || (await this.context.hints.has('CUSTOMER', id))) return false;
    return !(await this.context.customers.hasExisted(id));
  }

  async #pair(sides: Sides): Promise<Pair> {
    const { link, customer: state, record } = sides;
    const { mapping, fieldViews } = this.context;
    const customer = state?.isThere ? state.customer : undefined;
    const isOutside = isLeftOut(link, state);
    const { direction, deletePolicy, policy } = mapping;
    const [ofCustomer, ofPeer] = [
      customer && fieldViews.ofCustomer(customer),
      record && (await fieldViews.ofPeer(record.fields)),
    ];
    return {
      ...{ direction, deletePolicy, policy },
      customer: { isThere: customer !== undefined, isChanged: this.#isChanged(link, 'customer', ofCustomer) },
      record: { isThere: record !== undefined, isChanged: this.#isChanged(link, 'peer', ofPeer) },
      isLinked: typeof link?.customerId === 'string' && link.recordId !== null && (isOutside || !isFresh(link)),
      isApart: link?.isApart ?? false,
      isLeftOut: isOutside,
      isLost: await this.#isLost(sides),
      choice: link?.choice ?? undefined,
    };
  }

  #newest({ updateTime }: ExchangedRecord, { fields }: PeerRecord): Side | undefined {
    const { mapping, fieldViews } = this.context;
    const time = fieldViews.peerTime(fields, mapping.timeField ?? '');
    // A time without a zone identifies no instant.
    const peerMs = typeof time === 'string' && zoned.test(time) ? Date.parse(time) : Number.NaN;
    if (Number.isNaN(peerMs)) return undefined;
    return Date.parse(updateTime ?? '') >= peerMs ? 'CUSTOMER' : 'PEER';
  }

  #isChanged(link: Link | undefined, side: 'customer' | 'peer', views: Views | undefined): boolean {
    if (!link || !views) return false;
    return Object.entries(views).some(([field, view]) => link.base[field]?.[side] !== this.context.fingerprint(view));
  }
}

/** A deleted customer cannot be tested against the filter. Erasures propagate regardless of the filter. */
function isLeftOut(link: Link | undefined, state: RecordState | undefined): boolean {
  if (state?.isThere) return !state.takesPart;
  return link !== undefined && link.isLeftOut && state?.isErased !== true;
}

/** Whether a newly found pair has not been merged yet: the deletion of one side says nothing about the other then. */
function isFresh({ base, customerVersion, recordVersion }: Link): boolean {
  return customerVersion === null && recordVersion === null && Object.keys(base).length === 0;
}
