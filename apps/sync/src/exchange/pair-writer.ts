import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import { etagVersion } from '@rapport/persistence';
import { AppError } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import type { WriteItem, WriteResult } from '../connectors/connector.js';
import { ConnectorError } from '../connectors/connector-error.js';
import type { JsonObject, JsonValue, PeerRecord } from '../connectors/peer-record.js';
import type { Conflict } from './conflict-store.js';
import { tellIssues, type ExchangeContext } from './exchange-context.js';
import { baseWithout, leaveOut, refusedAsUnknown, type LeftOut } from './left-out.js';
import type { Intent, Link } from './link.js';
import type { Base, FieldBase, Views } from './merge-fields.js';
import { refusedByCustomers, refusedByPeer, type RefusedField } from './refused-fields.js';

/** Nobody else wrote meanwhile, somebody did, or a side does not take it. */
export type Written =
  /** `leftOut` when lists were taken without some of their items. */
  | { outcome: 'DONE'; leftOut?: LeftOut }
  | { outcome: 'STALE' }
  /** No value fits. */
  | { outcome: 'NOTHING' }
  /** `fields` when nothing but the values of these fields is refused. */
  | { outcome: 'REFUSED'; conflict: Conflict; fields?: RefusedField[] };

const done: Written = { outcome: 'DONE' };
const stale: Written = { outcome: 'STALE' };

/** How long the steps behind a push count for what comes back, in milliseconds. */
const echoMs = 60_000;

/**
 * Writes one pair, and keeps in its link what is known of it. What is going to be written is kept first: whoever goes on after a kill
 * knows by it what was ours and what is somebody's edit.
 */
export class PairWriter {
  constructor(private readonly context: ExchangeContext) {}

  /** Creates the customer of a record. @param views of the record */
  createCustomer(link: Link, views: Views): Promise<Written> {
    return this.#fitting(link, named(views), async (fitting, leftOut) => {
      const unknown = this.#unknown(fitting);
      if (unknown) return unknown;
      const values = Object.fromEntries(this.context.fieldViews.customerValues(fitting, undefined));
      const base = baseWithout(this.#bothAre(views, fitting), leftOut, 'customer', this.context.fingerprint);
      const intent = { customer: { requestId: uuidv7(), values }, base };
      await this.#intend(link, intent);
      return this.#customerWrite(link, intent, this.#customerCall(link, intent.customer));
    });
  }

  /** Changes fields of a customer. @param base that the fields have once it is done, of those that are settled by it */
  updateCustomer(
    link: Link,
    customer: Customer,
    changes: ReadonlyMap<string, JsonValue>,
    base: Base,
  ): Promise<Written> {
    const { id, etag } = customer;
    return this.#fitting(link, changes, async (fitting, leftOut) => {
      const unknown = this.#unknown(fitting);
      if (unknown) return unknown;
      const values = Object.fromEntries(this.context.fieldViews.customerValues(fitting, customer));
      const settled = baseWithout(only(base, fitting), leftOut, 'customer', this.context.fingerprint);
      const intent = { customer: { requestId: uuidv7(), id, etag, values }, base: settled };
      await this.#intend(link, intent);
      return this.#customerWrite(link, intent, this.#customerCall(link, intent.customer));
    });
  }

  /** Creates the record of a customer. @param views of the customer */
  createRecord(link: Link, views: Views, hop: number): Promise<Written> {
    return this.#fitting(link, named(views), async (fitting, leftOut) => {
      const record = withoutNulls(await this.context.fieldViews.peerFields(fitting, {}));
      const base = baseWithout(this.#bothAre(views, fitting), leftOut, 'peer', this.context.fingerprint);
      const intent = { record, base };
      await this.#push(link, hop, intent);
      return this.#sendRecord(link, intent);
    });
  }

  /** Changes fields of a record. @param base that the fields have once it is done */
  updateRecord(
    link: Link,
    record: PeerRecord,
    changes: ReadonlyMap<string, JsonValue>,
    base: Base,
    hop: number,
  ): Promise<Written> {
    return this.#fitting(link, changes, async (fitting, leftOut) => {
      const settled = baseWithout(only(base, fitting), leftOut, 'peer', this.context.fingerprint);
      await this.#push(link, hop, { base: settled });
      const result = await this.#peerWrite(link, async () => ({
        kind: 'UPDATE',
        id: record.id,
        expectedVersion: record.version,
        fields: await this.context.fieldViews.peerFields(fitting, record.fields),
      }));
      if (result.outcome === 'DONE') link.base = { ...link.base, ...settled };
      // A record that was edited since the exchange created it no longer counts as a copy.
      const isCopy = result.outcome === 'DONE' && link.copyVersion === record.version;
      link.copyVersion = isCopy ? link.recordVersion : null;
      return result;
    });
  }

  async deleteCustomer({ id, etag }: Customer, link: Link): Promise<Written> {
    try {
      await this.context.customers.delete(id, etag, { hop: this.nextHop(link) });
    } catch (error) {
      if (isCode(error, 'ABORTED')) return stale;
      if (!isCode(error, 'NOT_FOUND')) throw error;
    }
    return done;
  }

  deleteRecord(link: Link, { id, version }: PeerRecord): Promise<Written> {
    return this.#peerWrite(link, () => Promise.resolve({ kind: 'DELETE', id, expectedVersion: version }));
  }

  /** Finds out what became of a write that was under way when its process ended. @param record as it is now */
  async recover(link: Link, intent: Intent, record: PeerRecord | undefined): Promise<void> {
    if (intent.customer && intent.customer.id === undefined) await this.#recoverCreate(link, intent, intent.customer);
    else if (intent.customer) await this.#customerWrite(link, intent, this.#customerCall(link, intent.customer));
    else if (intent.record) await this.#sendRecord(link, { ...intent, record: intent.record });
    else if (record) {
      const views = await this.context.fieldViews.ofPeer(record.fields);
      const isOurs = ([field, { peer }]: [string, FieldBase]) =>
        this.context.fingerprint(views[field] ?? null) === peer;
      link.base = { ...link.base, ...Object.fromEntries(Object.entries(intent.base).filter(isOurs)) };
    }
    link.sealedIntent = null;
    await this.context.links.save(link);
  }

  /** Values that the other side does not take are left out, and told of: they cost their field, or their place in a list, and nothing else. */
  async #fitting(
    link: Link,
    views: ReadonlyMap<string, JsonValue>,
    write: (fitting: ReadonlyMap<string, JsonValue>, leftOut: LeftOut) => Promise<Written>,
  ): Promise<Written> {
    const [fitting, leftOut]: [Map<string, JsonValue>, LeftOut] = [new Map(views), new Map()];
    for (;;) {
      const written = await write(fitting, leftOut);
      const refused = written.outcome === 'REFUSED' ? (written.fields ?? []) : [];
      const left = leaveOut(fitting, refused, leftOut, this.context.fingerprint);
      if (left.length === 0) return written.outcome === 'DONE' && leftOut.size > 0 ? { ...written, leftOut } : written;
      tellIssues(
        this.context,
        link.recordId ?? undefined,
        left.map(({ issue }) => issue),
      );
      // What would have made a new record or customer is for a person to look at.
      if (fitting.size === 0)
        return link.customerId !== null && link.recordId !== null ? { outcome: 'NOTHING' } : written;
    }
  }

  #unknown(fitting: ReadonlyMap<string, JsonValue>): Written | undefined {
    const fields = refusedAsUnknown(this.context.fieldViews.faults(fitting));
    const message = fields?.map(({ issue }) => `${issue.field}: ${issue.message}`).join(' ') ?? '';
    return fields && { outcome: 'REFUSED', conflict: { kind: 'REJECTED', message }, fields };
  }

  /** How many automatic steps lie behind a write to a customer: those behind what was pushed to its record just before. */
  nextHop({ hop, pushTime }: Link): number {
    return (pushTime && Date.now() - pushTime.getTime() < echoMs ? hop : 0) + 1;
  }

  /** The answer may have been lost so long ago that the request would not be known as the same any more: the customer is. */
  async #recoverCreate(link: Link, intent: Intent, customer: NonNullable<Intent['customer']>): Promise<void> {
    const { requestId: id } = customer;
    const created = await this.context.customers.get(id);
    if (created.isThere && etagVersion(created.customer.etag) === 1) {
      await this.#customerWrite(link, intent, () => Promise.resolve(created.customer));
    } else if (created.isThere) {
      // It was edited since, so that what was created is what both sides had.
      Object.assign(link, { customerId: id, base: { ...link.base, ...intent.base } });
    } else if (created.mergedInto !== undefined || created.isErased) {
      link.customerId = id;
    } else {
      await this.#customerWrite(link, intent, this.#customerCall(link, customer));
    }
  }

  #customerCall(link: Link, { requestId, id, etag, values }: NonNullable<Intent['customer']>) {
    const { customers, mapping } = this.context;
    const [given, cause] = [new Map(Object.entries(values)), { hop: this.nextHop(link) }];
    return () =>
      id === undefined || etag === undefined
        ? customers.create(CustomerKind[mapping.customerKind], given, requestId, cause)
        : customers.update(id, given, etag, requestId, cause);
  }

  async #customerWrite(link: Link, intent: Intent, write: () => Promise<Customer>): Promise<Written> {
    try {
      const customer = await write();
      const views = this.context.fieldViews.ofCustomer(customer);
      const agreed = Object.entries(intent.base).map(([field, base]) => [
        field,
        { ...base, customer: this.context.fingerprint(views[field] ?? null) },
      ]);
      link.base = { ...link.base, ...(Object.fromEntries(agreed) as Base) };
      // Of a merged customer it is the survivor that was written, which has a link of its own.
      link.customerId ??= customer.id;
      link.customerVersion = etagVersion(customer.etag);
      // What was written here is no news to the exchange.
      link.isLeftOut = !(await this.context.customers.takesPart(customer.id));
      return done;
    } catch (error) {
      // A create that is still under way must be waited for: begun anew it would make a second customer.
      if (isCode(error, 'ABORTED', 'NOT_FOUND') && intent.customer?.id !== undefined) return stale;
      if (isReason(error, 'CUSTOMER_CREATED_BEFORE') && intent.customer) {
        link.customerId = intent.customer.requestId;
        return stale;
      }
      if (!isCode(error, 'ALREADY_EXISTS', 'INVALID_ARGUMENT', 'FAILED_PRECONDITION')) throw error;
      const { code, violations } = error as AppError;
      const sent = intent.customer?.values ?? {};
      const fields =
        code === 'INVALID_ARGUMENT' ? refusedByCustomers(this.context.mapping.fields, violations, sent) : undefined;
      return { outcome: 'REFUSED', conflict: refusal(error as AppError), ...(fields && { fields }) };
    } finally {
      link.sealedIntent = null;
    }
  }

  async #sendRecord(link: Link, { record, base }: Intent & { record: JsonObject }): Promise<Written> {
    const written = await this.#peerWrite(link, () =>
      Promise.resolve({ kind: 'CREATE', key: link.id, fields: record }),
    );
    // Who was quicker has edited what we have created.
    if (written.outcome !== 'REFUSED') link.base = base;
    if (written.outcome === 'DONE') link.copyVersion = link.recordVersion;
    return written;
  }

  async #peerWrite(link: Link, makeItem: () => Promise<WriteItem>): Promise<Written> {
    const { peer, mapping, signal } = this.context;
    const [result] = await peer.write({ recordType: mapping.recordType, items: [await makeItem()], signal });
    link.sealedIntent = null;
    return this.#take(link, result);
  }

  #take(link: Link, result: WriteResult | undefined): Written {
    switch (result?.kind) {
      case 'WRITTEN':
        link.recordId = result.id;
        link.recordVersion = result.version ?? null;
        return done;
      case 'CONFLICT':
        link.recordId ??= result.id;
        return stale;
      case 'REJECTED': {
        const message = result.issues.map((issue) => [issue.field, issue.message].filter(Boolean).join(': ')).join(' ');
        const fields = refusedByPeer(this.context.mapping.fields, result.issues);
        return { outcome: 'REFUSED', conflict: { kind: 'REJECTED', message }, ...(fields && { fields }) };
      }
      case 'RETRY_LATER':
        throw new ConnectorError('RATE_LIMITED', 'The peer takes no more for now.', result);
      case undefined:
        throw new Error('A connector answered no result.');
      default:
        return result satisfies never;
    }
  }

  async #push(link: Link, hop: number, intent: Intent): Promise<void> {
    link.hop = hop;
    link.pushTime = new Date();
    await this.#intend(link, intent);
  }

  async #intend(link: Link, intent: Intent): Promise<void> {
    link.sealedIntent = this.context.sealIntent(link, intent);
    await this.context.links.saveIntent(link);
  }

  /** The base of a new pair. @param fitting those of the views that the other side takes; nothing always fits */
  #bothAre(views: Views, fitting: ReadonlyMap<string, JsonValue>): Base {
    const agreed = Object.entries(views).filter(([field, view]) => view === null || fitting.has(field));
    const entries = agreed.map(([field, view]) => {
      const fingerprint = this.context.fingerprint(view);
      return [field, { customer: fingerprint, peer: fingerprint }] as const;
    });
    return Object.fromEntries(entries);
  }
}

function refusal({ code, message, violations, metadata }: AppError): Conflict {
  const fields = violations.map(({ field, description }) => `${field} ${description}`).join('; ');
  if (code === 'ALREADY_EXISTS') {
    return { kind: 'VALUE_TAKEN', message: fields || message, otherCustomerId: metadata['customerId'] };
  }
  return { kind: 'REJECTED', message: fields || message };
}

function only(base: Base, fields: ReadonlyMap<string, JsonValue>): Base {
  return Object.fromEntries(Object.entries(base).filter(([field]) => fields.has(field)));
}

/** Fields without a value are not sent for a new record or customer. */
function named(views: Views): Map<string, JsonValue> {
  return new Map(Object.entries(views).filter(([, view]) => view !== null));
}

function withoutNulls(fields: Record<string, JsonValue>): Record<string, JsonValue> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

function isReason(error: unknown, reason: string): boolean {
  return error instanceof AppError && error.reason === reason;
}

function isCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof AppError && codes.includes(error.code);
}
