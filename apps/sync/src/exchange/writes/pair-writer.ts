import { v7 as uuidv7 } from 'uuid';
import type { JsonValue, PeerRecord } from '../../connectors/peer-record.js';
import { tellIssues, type ExchangeContext } from '../exchange-context.js';
import type { Intent, Link } from '../links/link.js';
import type { Base, FieldBase } from '../links/link.js';
import type { ExchangedRecord } from '../mappings/lenses/field-values.js';
import type { Views } from '../mappings/mapping-views.js';
import { intend } from './intend.js';
import { baseWithout, leaveOut, refusedAsUnknown, type LeftOut } from './left-out.js';
import { CustomerWriter } from './write-customer.js';
import { RecordWriter } from './write-record.js';
import type { Written } from './written.js';

/**
 * Writes both sides of a pair. The link stores the intent before each write. After a crash, the next process uses it to
 * distinguish the write of the exchange from an edit by another client.
 */
export class PairWriter {
  readonly customers: CustomerWriter;
  readonly records: RecordWriter;

  constructor(private readonly context: ExchangeContext) {
    this.customers = new CustomerWriter(context);
    this.records = new RecordWriter(context);
  }

  /** Creates the customer of a record. @param views of the record */
  createCustomer(link: Link, views: Views): Promise<Written> {
    return this.#fitting(link, named(views), async (fitting, leftOut) => {
      const unknown = this.#unknown(fitting);
      if (unknown) return unknown;
      const values = Object.fromEntries(this.context.fieldViews.customerValues(fitting, undefined));
      const base = baseWithout(this.#bothAre(views, fitting), leftOut, 'customer', this.context.fingerprint);
      const intent = { customer: { requestId: uuidv7(), values }, base };
      await intend(this.context, link, intent);
      return this.customers.write(link, intent);
    });
  }

  /** Changes fields of a customer. @param base of the fields that the write settles */
  updateCustomer(
    link: Link,
    customer: ExchangedRecord,
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
      await intend(this.context, link, intent);
      return this.customers.write(link, intent);
    });
  }

  /** Creates the record of a customer. @param views of the customer */
  createRecord(link: Link, views: Views, hop: number): Promise<Written> {
    return this.#fitting(link, named(views), async (fitting, leftOut) => {
      const record = withoutNulls(await this.context.fieldViews.peerFields(fitting, {}));
      const base = baseWithout(this.#bothAre(views, fitting), leftOut, 'peer', this.context.fingerprint);
      const intent = { record, base };
      await this.#push(link, hop, intent);
      return this.records.create(link, intent);
    });
  }

  /** Changes fields of a record. @param base of the fields that the write settles */
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
      const fields = await this.context.fieldViews.peerFields(fitting, record.fields);
      const written = await this.records.update(link, record, fields);
      if (written.outcome === 'DONE') link.base = { ...link.base, ...settled };
      return written;
    });
  }

  /**
   * Determines the outcome of an interrupted write. @param record in its current state
   *
   * @throws MappingChangedError when it would have to be repeated, and may not be wanted any more
   */
  async recover(link: Link, intent: Intent, record: PeerRecord | undefined): Promise<void> {
    const { customer, record: created } = intent;
    if (customer || created) await this.context.links.saveIntent(link);
    if (customer && customer.id === undefined) await this.customers.recoverCreate(link, { ...intent, customer });
    else if (customer) await this.customers.write(link, { ...intent, customer });
    else if (created) await this.records.create(link, { ...intent, record: created });
    else if (record && Object.keys(intent.base).length > 0) {
      const views = await this.context.fieldViews.ofPeer(record.fields);
      const isOurs = ([field, { peer }]: [string, FieldBase]) =>
        this.context.fingerprint(views[field] ?? null) === peer;
      link.base = { ...link.base, ...Object.fromEntries(Object.entries(intent.base).filter(isOurs)) };
    }
    link.sealedIntent = null;
    await this.context.links.save(link);
  }

  /** Writes without the values that the other side does not take; each is reported as an issue. */
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
      // A conflict, since values that would make a new record or customer are missing.
      if (fitting.size === 0)
        return link.customerId !== null && link.recordId !== null ? { outcome: 'NOTHING' } : written;
    }
  }

  #unknown(fitting: ReadonlyMap<string, JsonValue>): Written | undefined {
    const fields = refusedAsUnknown(this.context.fieldViews.faults(fitting));
    const message = fields?.map(({ issue }) => `${issue.field}: ${issue.message}`).join(' ') ?? '';
    return fields && { outcome: 'REFUSED', conflict: { kind: 'REJECTED', message }, fields };
  }

  async #push(link: Link, hop: number, intent: Intent): Promise<void> {
    link.hop = hop;
    link.pushTime = new Date();
    await intend(this.context, link, intent);
  }

  /** The base of a new pair. @param fitting the views that the other side takes; null always fits */
  #bothAre(views: Views, fitting: ReadonlyMap<string, JsonValue>): Base {
    const agreed = Object.entries(views).filter(([field, view]) => view === null || fitting.has(field));
    const entries = agreed.map(([field, view]) => {
      const fingerprint = this.context.fingerprint(view);
      return [field, { customer: fingerprint, peer: fingerprint }] as const;
    });
    return Object.fromEntries(entries);
  }
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
