import type { Comparison, PlannedChange } from '@rapport/contracts/rapport/sync/v1/sync_runs_service';
import type { ReadItem } from '../connectors/connector.js';
import type { PeerRecord } from '../connectors/peer-record.js';
import type { PresentRecord } from './customers/acting-records.js';
import { noCounts, noteIssues, type Counts, type ExchangeContext } from './exchange-context.js';
import type { Exchange } from './exchange.js';
import { isInFlight, type Link } from './links/link.js';
import type { Views } from './mappings/mapping-views.js';
import { PlannedPairs } from './pairing/planned-pairs.js';
import { PairPlanner, type Plan, type Sides } from './pairs/plan-pair.js';

const pageSize = 100;
const maxPlanned = 100;

/** Fingerprint of an unreadable record: it exists and must not be changed. */
const unreadable = 'UNREADABLE';

type Ids = Pick<PlannedChange, 'customerId' | 'recordId'>;

/** Result of a reconciliation. */
export interface Findings {
  comparison: Comparison;
  plannedChanges: PlannedChange[];
  /** All differences, for a dry run. */
  planned?: Counts;
}

/**
 * Compares all customers and records of a mapping by id and content, and exchanges the differences. A change during the
 * comparison may be reported as a difference.
 */
export class Reconciliation {
  readonly #planner: PairPlanner;
  readonly #findings: Findings = {
    comparison: {
      ...{ equal: 0, normalised: 0, differing: 0, onlyCustomers: 0, onlyRecords: 0, conflicting: 0 },
      filtered: 0,
    },
    plannedChanges: [],
  };
  #conflicting: ReadonlySet<string> = new Set();
  readonly #pairs: PlannedPairs;

  constructor(
    private readonly context: ExchangeContext,
    private readonly exchange: Exchange,
  ) {
    this.#planner = new PairPlanner(context);
    this.#pairs = new PlannedPairs(context);
  }

  /** @param onPage called with the results so far */
  async run(isDry: boolean, onPage: (findings: Findings) => Promise<void>): Promise<Findings> {
    if (isDry) this.#findings.planned = noCounts();
    this.#conflicting = await this.context.conflicts.linkIds();
    await this.#readRecords();
    let pageToken: string | undefined;
    do {
      const page = await this.context.customers.page(pageToken);
      await this.#compareCustomers(page.customers, isDry);
      pageToken = page.nextPageToken;
      await onPage(this.#findings);
    } while (pageToken !== undefined);
    await this.#compareRecords(isDry);
    await this.context.records.clear();
    return this.#findings;
  }

  /** Stores a fingerprint of each record. */
  async #readRecords(): Promise<void> {
    const { peer, mapping, records, signal } = this.context;
    await records.clear();
    for await (const { items } of peer.read({ recordType: mapping.recordType, pageSize, signal })) {
      const page = new Map<string, string | undefined>();
      for (const item of items) {
        noteIssues(this.context, item);
        const [id, held] = await this.#heldBy(item);
        if (id !== undefined) page.set(id, held);
      }
      await records.put([...page].flatMap(([id, held]) => (held === undefined ? [] : { id, held })));
      await records.take([...page].flatMap(([id, held]) => (held === undefined ? id : [])));
    }
  }

  /** @returns id and fingerprint of a record; without fingerprint when it is deleted */
  async #heldBy(item: ReadItem): Promise<[id?: string | undefined, held?: string | undefined]> {
    switch (item.kind) {
      case 'RECORD':
        return [item.record.id, this.#hold(await this.context.fieldViews.ofPeer(item.record.fields))];
      case 'DELETED':
        return [item.id];
      case 'UNREADABLE':
        return [item.id, unreadable];
      default:
        return item satisfies never;
    }
  }

  /** Records without a customer. */
  async #compareRecords(isDry: boolean): Promise<void> {
    let last: string | undefined;
    do {
      const page = await this.context.records.after(last, pageSize);
      for (const { id, held } of page) {
        if (held === unreadable) this.#findings.comparison.conflicting += 1;
        else await this.#compareRecord(id, isDry);
      }
      last = page.at(-1)?.id;
    } while (last !== undefined);
  }

  async #compareCustomers(customers: readonly PresentRecord[], isDry: boolean): Promise<void> {
    const { links, records } = this.context;
    const pairs: { state: PresentRecord; link: Link | undefined }[] = [];
    const known = await links.byCustomers(customers.map(({ customer }) => customer.id));
    for (const state of customers) {
      const { id } = state.customer;
      pairs.push({ state, link: known.get(id) ?? (await this.#pairs.ofCustomer(id)) });
    }
    const held = await records.take(pairs.flatMap(({ link }) => link?.recordId ?? []));
    for (const { state, link } of pairs) {
      const ofRecord = held.get(link?.recordId ?? '') ?? undefined;
      if (state.takesPart) await this.#compareCustomer(state, link, ofRecord, isDry);
      else await this.#leaveOut(state, link, ofRecord, isDry);
    }
  }

  /** @param held fingerprint of the record, if it exists */
  async #leaveOut(
    state: PresentRecord,
    link: Link | undefined,
    held: string | undefined,
    isDry: boolean,
  ): Promise<void> {
    this.#findings.comparison.filtered += 1;
    if (isDry) return;
    const isNoted = !link || this.#pairs.isInQuestion(link) || (link.isLeftOut && !isInFlight(link));
    if (held === unreadable || (isNoted && (held !== undefined || !link?.recordId))) {
      this.context.counts.filtered += 1;
      return;
    }
    const recordId = held === undefined ? undefined : (link?.recordId ?? undefined);
    const record = recordId === undefined ? undefined : await this.#readOne(recordId);
    await this.exchange.settler.settle({ link, customer: state, record, hop: 0 });
  }

  /** @param held fingerprint of the record, if it exists */
  async #compareCustomer(
    state: PresentRecord,
    link: Link | undefined,
    held: string | undefined,
    isDry: boolean,
  ): Promise<void> {
    const { comparison } = this.#findings;
    const recordId = link?.recordId ?? undefined;
    const { customer } = state;
    if (held === unreadable || this.#isConflicting(link)) comparison.conflicting += 1;
    else if (held === this.#hold(this.context.fieldViews.ofCustomer(customer))) comparison.equal += 1;
    else if (!link?.isApart) await this.#comparePair(state, link, held === undefined ? undefined : recordId, isDry);
  }

  /** @param recordId of an existing record */
  async #comparePair(
    state: PresentRecord,
    link: Link | undefined,
    recordId: string | undefined,
    isDry: boolean,
  ): Promise<void> {
    const { comparison } = this.#findings;
    const { customer } = state;
    const record = recordId === undefined ? undefined : await this.#readOne(recordId);
    const sides = { link, customer: state, record, hop: 0 };
    const plan = await this.#planner.plan(sides);
    // It waits for a pairing conflict with a similar record.
    if (plan.action === 'CREATE_RECORD' && (await this.context.pairingConflicts.ofCustomer(customer.id))) {
      comparison.conflicting += 1;
      return;
    }
    if (record && (await this.context.fieldViews.unmetOfPeer(record.fields)).length > 0) {
      comparison.conflicting += 1;
      if (!isDry) await this.exchange.settler.settle(sides);
      return;
    }
    if (record && isNothing(plan)) {
      comparison.equal += 1;
      comparison.normalised += 1;
      return;
    }
    comparison[record ? 'differing' : 'onlyCustomers'] += 1;
    await this.#takeUp(plan, sides, { customerId: customer.id, recordId: link?.recordId ?? undefined }, isDry);
  }

  async #compareRecord(recordId: string, isDry: boolean): Promise<void> {
    const { comparison } = this.#findings;
    const link = (await this.context.links.byRecord(recordId)) ?? (await this.#pairs.ofRecord(recordId));
    if (this.#isConflicting(link)) {
      comparison.conflicting += 1;
      return;
    }
    const record = link?.isApart ? undefined : await this.#readOne(recordId);
    if (!record) return;
    comparison.onlyRecords += 1;
    const customerId = link?.customerId ?? undefined;
    const customer = customerId === undefined ? undefined : await this.context.customers.get(customerId);
    const sides = { link, customer, record, hop: 0 };
    await this.#takeUp(await this.#planner.plan(sides), sides, { customerId, recordId }, isDry);
  }

  async #takeUp(plan: Plan, sides: Sides, ids: Ids, isDry: boolean): Promise<void> {
    const { plannedChanges } = this.#findings;
    const isSkipped = ['CREATE_RECORD', 'RESTORE_RECORD'].includes(plan.action) && !this.context.createsRecords;
    const room = Math.max(0, maxPlanned - plannedChanges.length);
    const changes = [
      ...(this.#pairs.isPaired(sides.link) ? [{ ...ids, action: 'PAIR', fields: [] }] : []),
      ...(isSkipped ? [] : changesOf(plan, ids)),
    ];
    plannedChanges.push(...changes.slice(0, room));
    for (const { action } of changes) this.#count(action);
    if (isSkipped) this.#count('SKIP');
    if (!isDry) await this.exchange.settler.settle(sides);
  }

  #count(action: string): void {
    const { planned } = this.#findings;
    const name = countNames[action];
    if (planned && name) planned[name] += 1;
  }

  #isConflicting(link: Link | undefined): boolean {
    return link !== undefined && (this.#conflicting.has(link.id) || this.#pairs.isInQuestion(link));
  }

  #readOne(id: string): Promise<PeerRecord | undefined> {
    const { peer, mapping, signal } = this.context;
    return peer.readOne(mapping.recordType, id, signal);
  }

  #hold(views: Views): string {
    return this.context.fingerprint({ ...views });
  }
}

/** The counter of each kind of step. */
const countNames: Readonly<Record<string, keyof Counts>> = {
  ...{ CREATE_CUSTOMER: 'customersCreated', UPDATE_CUSTOMER: 'customersUpdated', DELETE_CUSTOMER: 'customersDeleted' },
  ...{ CREATE_RECORD: 'recordsCreated', UPDATE_RECORD: 'recordsUpdated', DELETE_RECORD: 'recordsDeleted' },
  ...{ RESTORE_CUSTOMER: 'customersCreated', RESTORE_RECORD: 'recordsCreated', CONFLICT: 'conflicts' },
  SKIP: 'skipped',
};

function isNothing(plan: Plan): boolean {
  if (plan.action !== 'MERGE') return plan.action === 'NONE' || plan.action === 'LEAVE_OUT';
  const { toCustomer, toPeer, conflicts } = plan.merged;
  return toCustomer.size === 0 && toPeer.size === 0 && conflicts.length === 0;
}

/** A description of a plan for users. */
function changesOf(plan: Plan, ids: Ids): PlannedChange[] {
  const change = (action: string, fields: Iterable<string> = []) => ({ ...ids, action, fields: [...fields] });
  if (plan.action !== 'MERGE') return isNothing(plan) ? [] : [change(plan.action)];
  const { toCustomer, toPeer, conflicts } = plan.merged;
  return [
    ...(toCustomer.size > 0 ? [change('UPDATE_CUSTOMER', toCustomer.keys())] : []),
    ...(toPeer.size > 0 ? [change('UPDATE_RECORD', toPeer.keys())] : []),
    ...(conflicts.length > 0 ? [change('CONFLICT', conflicts)] : []),
  ];
}
