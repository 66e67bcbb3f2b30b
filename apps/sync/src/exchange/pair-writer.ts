import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import { etagVersion } from '@rapport/persistence';
import { AppError } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import type { WriteItem, WriteResult } from '../connectors/connector.js';
import { ConnectorError } from '../connectors/connector-error.js';
import type { JsonObject, JsonValue, PeerRecord } from '../connectors/peer-record.js';
import type { Conflict } from './conflict-store.js';
import type { ExchangeContext } from './exchange-context.js';
import type { Intent, Link } from './link.js';
import type { Base, FieldBase, Views } from './merge-fields.js';

/** Nobody else wrote meanwhile, somebody did, or a side does not take it. */
export type Written = { outcome: 'DONE' } | { outcome: 'STALE' } | { outcome: 'REFUSED'; conflict: Conflict };

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
  async createCustomer(link: Link, views: Views): Promise<Written> {
    const values = Object.fromEntries(this.context.fieldViews.customerValues(named(views), undefined));
    const intent = { customer: { requestId: uuidv7(), values }, base: this.#bothAre(views) };
    await this.#intend(link, intent);
    return this.#customerWrite(link, intent, this.#customerCall(link, intent.customer));
  }

  /** Changes fields of a customer. @param base that the fields have once it is done, of those that are settled by it */
  async updateCustomer(
    link: Link,
    customer: Customer,
    changes: ReadonlyMap<string, JsonValue>,
    base: Base,
  ): Promise<Written> {
    const values = Object.fromEntries(this.context.fieldViews.customerValues(changes, customer));
    const { id, etag } = customer;
    const intent = { customer: { requestId: uuidv7(), id, etag, values }, base };
    await this.#intend(link, intent);
    return this.#customerWrite(link, intent, this.#customerCall(link, intent.customer));
  }

  /** Creates the record of a customer. @param views of the customer */
  async createRecord(link: Link, views: Views, hop: number): Promise<Written> {
    const record = withoutNulls(await this.context.fieldViews.peerFields(named(views), {}));
    const intent = { record, base: this.#bothAre(views) };
    await this.#push(link, hop, intent);
    return this.#sendRecord(link, intent);
  }

  /** Changes fields of a record. @param base that the fields have once it is done */
  async updateRecord(
    link: Link,
    record: PeerRecord,
    changes: ReadonlyMap<string, JsonValue>,
    base: Base,
    hop: number,
  ): Promise<Written> {
    await this.#push(link, hop, { base });
    const result = await this.#peerWrite(link, async () => ({
      kind: 'UPDATE',
      id: record.id,
      expectedVersion: record.version,
      fields: await this.context.fieldViews.peerFields(changes, record.fields),
    }));
    if (result.outcome === 'DONE') link.base = { ...link.base, ...base };
    // A copy that somebody has written to is none any more.
    const isCopy = result.outcome === 'DONE' && link.copyVersion === record.version;
    link.copyVersion = isCopy ? link.recordVersion : null;
    return result;
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
      return done;
    } catch (error) {
      // A create that is still under way must be waited for: begun anew it would make a second customer.
      if (isCode(error, 'ABORTED', 'NOT_FOUND') && intent.customer?.id !== undefined) return stale;
      if (isReason(error, 'CUSTOMER_CREATED_BEFORE') && intent.customer) {
        link.customerId = intent.customer.requestId;
        return stale;
      }
      if (!isCode(error, 'ALREADY_EXISTS', 'INVALID_ARGUMENT', 'FAILED_PRECONDITION')) throw error;
      return { outcome: 'REFUSED', conflict: refusal(error as AppError) };
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
        return { outcome: 'REFUSED', conflict: { kind: 'REJECTED', message } };
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
    await this.context.links.save(link);
  }

  #bothAre(views: Views): Base {
    const entries = Object.entries(views).map(([field, view]) => {
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
