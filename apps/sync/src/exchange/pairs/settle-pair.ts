import { AppError } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import type { PeerRecord } from '../../connectors/peer-record.js';
import type { ExchangeContext } from '../exchange-context.js';
import type { Conflict } from '../links/conflict-store.js';
import { LinkChangedError } from '../links/link-store.js';
import { newLink, type Link } from '../links/link.js';
import { EvaluationError } from '../mappings/jsonata-evaluator.js';
import type { ExchangedRecord } from '../mappings/lenses/field-values.js';
import { exchangedType } from '../mappings/records/exchanged-types.js';
import { LinkAnswerer } from '../pairing/answer-link.js';
import { TakenValues } from '../pairing/taken-values.js';
import { PairWriter } from '../writes/pair-writer.js';
import { MergeWriter } from '../writes/write-merge.js';
import type { Written } from '../writes/written.js';
import { MergeFollower } from './follow-merge.js';
import { FailureKeeper } from './keep-failures.js';
import { PairKeeper, type Settled } from './pair-keeper.js';
import { PairPlanner, type Plan, type Sides } from './plan-pair.js';
import { ReferenceWaiter } from './wait-for-pairs.js';

/** Maximum number of attempts after concurrent changes of the link. */
const maxTries = 4;

type LiveSides = { customer: ExchangedRecord | undefined; record: PeerRecord | undefined };

/** Makes both sides of a pair equal, or reports a conflict. Idempotent. */
export class PairSettler {
  readonly #writer: PairWriter;
  readonly #planner: PairPlanner;
  readonly #keeper: PairKeeper;
  readonly #merges: MergeWriter;
  readonly #follower: MergeFollower;
  readonly #answerer: LinkAnswerer;
  readonly #failures: FailureKeeper;
  readonly #taken: TakenValues;
  readonly #waiter: ReferenceWaiter;

  constructor(private readonly context: ExchangeContext) {
    this.#writer = new PairWriter(context);
    this.#planner = new PairPlanner(context);
    this.#keeper = new PairKeeper(context);
    this.#waiter = new ReferenceWaiter(context);
    this.#merges = new MergeWriter(context, this.#planner, this.#writer, this.#keeper, this.#waiter);
    this.#follower = new MergeFollower(context, this.#planner, this.#writer, this.#keeper);
    this.#answerer = new LinkAnswerer(context);
    this.#failures = new FailureKeeper(context);
    this.#taken = new TakenValues(context);
  }

  /**
   * Settles a pair. A failure is left to the next run.
   *
   * @param mayDelete false to only store a delete, which is executed once the number of deletes is known
   */
  settle(sides: Sides, mayDelete = false): Promise<void> {
    return this.#failures.leaving(sides, () => this.#settle(sides, mayDelete));
  }

  async #settle(sides: Sides, mayDelete: boolean): Promise<void> {
    let current = sides;
    for (let tries = 0; tries < maxTries; tries += 1) {
      if ((await this.#try(current, mayDelete).catch(staleWhenChanged)) === 'DONE') return;
      current = await this.#readAgain(current);
    }
    await this.#putOff(current);
  }

  /** The link changes as fast as it is read. A hint makes the next run read it again, even without another change. */
  async #putOff({ link, customer }: Sides): Promise<void> {
    const { hints, links } = this.context;
    if (link) await links.save(Object.assign(link, { customerVersion: null, recordVersion: null }));
    if (customer?.isThere) await hints.put('CUSTOMER', customer.customer.id);
    else if (link?.recordId) await hints.put('PEER', link.recordId);
  }

  async #try(sides: Sides, mayDelete: boolean): Promise<Settled> {
    const { link, customer: state, record } = sides;
    const intent = link && this.context.openIntent(link);
    if (link && intent) {
      await this.#writer.recover(link, intent, record);
      return 'STALE';
    }
    if (link?.answer) return this.#answerer.answer(link, link.answer);
    const live = { customer: state?.isThere ? state.customer : undefined, record };
    try {
      return await this.#doPlanned(sides, live, mayDelete);
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error;
      const conflict = { kind: 'REJECTED', message: `JSONata: ${error.message}` } as const;
      return this.#keeper.leave(link ?? linkOf(live), live, conflict);
    }
  }

  async #doPlanned(sides: Sides, live: LiveSides, mayDelete: boolean): Promise<Settled> {
    const { link, customer: state, record } = sides;
    if (link && state?.isThere === false && state.mergedInto !== undefined) {
      if (link.customerId !== null) await this.context.pairingConflicts.move(link.customerId, state.mergedInto);
      return this.#follower.follow(link, state.mergedInto, record, mayDelete);
    }
    const isDeleteNoted = sides.isDeleteNoted === true || link?.isDeleting;
    if (link) link.isDeleting = false;
    const plan = await this.#planner.plan({ ...sides, isDeleteNoted });
    if (link && plan.action !== 'LEAVE_OUT') link.isLeftOut = false;
    return this.#do(plan, link, live, sides.hop, mayDelete);
  }

  async #do(
    plan: Plan,
    link: Link | undefined,
    { customer, record }: LiveSides,
    hop: number,
    mayDelete: boolean,
  ): Promise<Settled> {
    switch (plan.action) {
      case 'NONE':
        return 'DONE';
      case 'LEAVE_OUT':
        return this.#keeper.leaveOut(link);
      case 'MERGE':
        return this.#merges.write(plan, hop);
      case 'CREATE_CUSTOMER':
        return this.#createCustomer(link, needed(record));
      case 'CREATE_RECORD':
        return this.#createRecord(link, needed(customer), hop);
      case 'DELETE_CUSTOMER':
      case 'DELETE_RECORD':
        return mayDelete
          ? this.#delete(plan.action, needed(link), { customer, record })
          : this.#keeper.markDeleting(needed(link));
      case 'RESTORE_CUSTOMER':
        return this.#restoreCustomer(needed(link), record);
      case 'RESTORE_RECORD':
        await this.context.links.remove(needed(link));
        return 'STALE';
      case 'CONFLICT':
        return this.#keeper.leave(needed(link), { customer, record }, oneDeleted(customer));
      case 'SET_APART':
        return this.#keeper.setApart(needed(link));
      case 'FORGET':
        if (link) await this.#forget(link);
        return 'DONE';
      default:
        return plan satisfies never;
    }
  }

  async #createCustomer(link: Link | undefined, record: PeerRecord): Promise<Settled> {
    const made = Object.assign(link ?? newLink(uuidv7(), { recordId: record.id }), { customerId: null });
    const doubt = await this.context.pairingConflicts.ofRecord(record.id);
    if (doubt) return this.#keeper.leave(made, { record }, doubt);
    const unmet = await this.context.fieldViews.unmetOfPeer(record.fields);
    const waiting = await this.#waiter.wait('PEER', record.id, record.id, unmet);
    if (waiting !== 'NOTHING') return waiting === 'MET' ? 'STALE' : 'DONE';
    this.#keeper.note(made, { record });
    const written = await this.#writer.createCustomer(made, await this.context.fieldViews.ofPeer(record.fields));
    if (written.outcome === 'REFUSED' && written.conflict.kind === 'VALUE_TAKEN') {
      const decided = await this.#taken.decide(made, record);
      if (decided === 'TAKEN') return 'STALE';
      if (decided) return this.#keeper.leave(made, { record }, decided);
    }
    return this.#keepCreated(made, written, 'customersCreated');
  }

  async #createRecord(link: Link | undefined, customer: ExchangedRecord, hop: number): Promise<Settled> {
    const made = link ?? newLink(uuidv7(), { customerId: customer.id });
    const doubt = await this.context.pairingConflicts.ofCustomer(customer.id);
    if (doubt === 'ASKED') return 'DONE';
    if (doubt) return this.#keeper.leave(made, { customer }, doubt);
    if (!this.context.createsRecords) return this.#skip(link);
    // The filter was tested some time ago, with a batch. A customer that no longer matches gets no record.
    if (!(await this.context.customers.takesPart(customer.id))) return this.#keeper.leaveOut(link);
    const views = this.context.fieldViews.ofCustomer(customer);
    const unmet = await this.context.fieldViews.unmetOfViews(new Map(Object.entries(views)));
    const waiting = await this.#waiter.wait('CUSTOMER', customer.id, undefined, unmet);
    if (waiting !== 'NOTHING') return waiting === 'MET' ? 'STALE' : 'DONE';
    this.#keeper.note(made, { customer });
    const written = await this.#writer.createRecord(made, views, hop);
    return this.#keepCreated(made, written, 'recordsCreated');
  }

  /** Explained by the mapping's notes. */
  async #skip(link: Link | undefined): Promise<Settled> {
    this.context.counts.skipped += 1;
    if (link) await this.context.links.remove(link);
    return 'DONE';
  }

  /** Both sides are deleted: deletes the link with its fingerprints. */
  async #forget(link: Link): Promise<void> {
    const { links, pairingConflicts } = this.context;
    await links.remove(link);
    if (link.recordId !== null) await pairingConflicts.forget('PEER', link.recordId);
    if (link.customerId !== null) await pairingConflicts.forget('CUSTOMER', link.customerId);
  }

  async #keepCreated(link: Link, written: Written, count: 'customersCreated' | 'recordsCreated'): Promise<Settled> {
    if (written.outcome === 'DONE') this.context.counts[count] += 1;
    await this.#keeper.keep(link, written.outcome === 'REFUSED' ? written.conflict : undefined);
    return written.outcome === 'STALE' ? 'STALE' : 'DONE';
  }

  async #delete(
    action: 'DELETE_CUSTOMER' | 'DELETE_RECORD',
    link: Link,
    { customer, record }: LiveSides,
  ): Promise<Settled> {
    const written =
      action === 'DELETE_CUSTOMER'
        ? await this.#writer.customers.delete(needed(customer), link)
        : await this.#writer.records.delete(link, needed(record));
    if (written.outcome === 'STALE') return 'STALE';
    if (written.outcome === 'REFUSED') return this.#keeper.leave(link, { customer, record }, written.conflict);
    this.context.counts[action === 'DELETE_CUSTOMER' ? 'customersDeleted' : 'recordsDeleted'] += 1;
    await this.context.links.remove(link);
    return 'DONE';
  }

  async #restoreCustomer(link: Link, record: PeerRecord | undefined): Promise<Settled> {
    try {
      await this.#writer.customers.undelete(link.customerId ?? '', link);
      return 'STALE';
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const { code, message, metadata } = error;
      if (code === 'ALREADY_EXISTS') {
        const conflict = {
          kind: 'VALUE_TAKEN',
          message,
          otherCustomerId: metadata[`${exchangedType(this.context.mapping.object).singular}Id`],
        } as const;
        return this.#keeper.leave(link, { record }, conflict);
      }
      // An erased customer is not restored.
      if (code === 'FAILED_PRECONDITION' || code === 'NOT_FOUND') return this.#keeper.setApart(link);
      throw error;
    }
  }

  async #readAgain({ link, customer, record, hop, isDeleteNoted }: Sides): Promise<Sides> {
    const { links, customers, peer, mapping, signal } = this.context;
    const known = link && (await links.byId(link.id));
    const customerId = known?.customerId ?? (customer?.isThere ? customer.customer.id : undefined);
    const recordId = known?.recordId ?? record?.id;
    return {
      link: known ?? (customerId === undefined ? undefined : await links.byCustomer(customerId)),
      customer: customerId === undefined ? undefined : await customers.get(customerId),
      record: recordId === undefined ? undefined : await peer.readOne(mapping.recordType, recordId, signal),
      hop,
      isDeleteNoted,
    };
  }
}

/** The link's intent, or the other side, shows an earlier write. */
function staleWhenChanged(error: unknown): 'STALE' {
  if (error instanceof LinkChangedError) return 'STALE';
  throw error;
}

function linkOf({ customer, record }: LiveSides): Link {
  return newLink(uuidv7(), { customerId: customer?.id ?? null, recordId: record?.id ?? null });
}

/** @param customer the one that still exists; undefined when the record does */
function oneDeleted(customer: ExchangedRecord | undefined): Conflict {
  const message = customer
    ? 'The record was deleted, and the customer changed.'
    : 'The customer was deleted, and the record changed.';
  return { kind: 'DELETED', message };
}

/** @throws Error for a plan without a required part */
function needed<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('A plan lacks a required part.');
  return value;
}
