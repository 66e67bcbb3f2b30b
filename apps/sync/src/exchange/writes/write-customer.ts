import { etagVersion } from '@rapport/persistence';
import { AppError } from '@rapport/platform';
import type { ExchangeContext } from '../exchange-context.js';
import type { Conflict } from '../links/conflict-store.js';
import type { Intent, Link } from '../links/link.js';
import type { Base } from '../links/link.js';
import type { ExchangedRecord } from '../mappings/lenses/field-values.js';
import { exchangedType, type ExchangedType } from '../mappings/records/exchanged-types.js';
import { intendPlain } from './intend.js';
import { refusedByCustomers } from './refused-fields.js';
import { done, isCode, stale, type Written } from './written.js';

/** Intent to write a customer: to create one when it has no id. */
export type CustomerIntent = Intent & { customer: NonNullable<Intent['customer']> };

/** Period during which a change that returns counts as a consequence of a push, in milliseconds. */
const echoMs = 60_000;

/** Writes the customer of a pair, and stores the resulting state of both sides in the link. */
export class CustomerWriter {
  readonly #type: ExchangedType;

  constructor(private readonly context: ExchangeContext) {
    this.#type = exchangedType(context.mapping.object);
  }

  /** Creates or changes the customer of the intent. Idempotent while request ids are kept. */
  write(link: Link, intent: CustomerIntent): Promise<Written> {
    const { customers } = this.context;
    const { requestId, id, etag, values } = intent.customer;
    const [given, cause] = [new Map(Object.entries(values)), { hop: this.nextHop(link) }];
    return this.#settle(link, intent, () =>
      id === undefined || etag === undefined
        ? customers.create(given, requestId, cause)
        : customers.update(id, given, etag, requestId, cause),
    );
  }

  /** Completes an interrupted create. The customer has the id of the request, which may be too old to repeat. */
  async recoverCreate(link: Link, intent: CustomerIntent): Promise<void> {
    const { requestId: id } = intent.customer;
    const created = await this.context.customers.get(id);
    if (created.isThere && etagVersion(created.customer.etag) === 1) {
      await this.#settle(link, intent, () => Promise.resolve(created.customer));
    } else if (created.isThere) {
      // Edited since, so the created values are the last agreed ones.
      Object.assign(link, { customerId: id, base: { ...link.base, ...intent.base } });
    } else if (created.mergedInto !== undefined || created.isErased) {
      link.customerId = id;
    } else {
      await this.write(link, intent);
    }
  }

  async delete({ id, etag }: ExchangedRecord, link: Link): Promise<Written> {
    await intendPlain(this.context, link);
    try {
      await this.context.customers.delete(id, etag, { hop: this.nextHop(link) });
    } catch (error) {
      if (isCode(error, 'ABORTED')) return stale;
      if (!isCode(error, 'NOT_FOUND')) throw error;
    }
    return done;
  }

  /** @throws AppError */
  async undelete(id: string, link: Link): Promise<void> {
    await intendPlain(this.context, link);
    try {
      await this.context.customers.undelete(id, { hop: this.nextHop(link) });
    } finally {
      link.sealedIntent = null;
    }
  }

  /** Number of automatic steps behind a write to a customer: one more than those behind a push to its record within the last minute. */
  nextHop({ hop, pushTime }: Link): number {
    return (pushTime && Date.now() - pushTime.getTime() < echoMs ? hop : 0) + 1;
  }

  async #settle(link: Link, intent: CustomerIntent, write: () => Promise<ExchangedRecord>): Promise<Written> {
    try {
      await this.#note(link, intent.base, await write());
      return done;
    } catch (error) {
      return this.#refused(link, intent, error);
    } finally {
      link.sealedIntent = null;
    }
  }

  async #note(link: Link, base: Base, customer: ExchangedRecord): Promise<void> {
    const { customers, fieldViews, fingerprint } = this.context;
    const views = fieldViews.ofCustomer(customer);
    const agreed = Object.entries(base).map(([field, values]) => [
      field,
      { ...values, customer: fingerprint(views[field] ?? null) },
    ]);
    link.base = { ...link.base, ...(Object.fromEntries(agreed) as Base) };
    // The write to a merged customer went to the survivor, which has a link of its own.
    link.customerId ??= customer.id;
    link.customerVersion = etagVersion(customer.etag);
    // The exchange ignores its own write.
    link.isLeftOut = !(await customers.takesPart(customer.id));
  }

  /** @throws `error` when it is not about the customer */
  #refused(link: Link, { customer: { id, requestId, values } }: CustomerIntent, error: unknown): Written {
    // A create in progress must be awaited: a new one would create a second customer.
    if (id !== undefined && isCode(error, 'ABORTED', 'NOT_FOUND')) return stale;
    if (error instanceof AppError && error.reason.endsWith('_CREATED_BEFORE')) {
      link.customerId = requestId;
      return stale;
    }
    if (!isCode(error, 'ALREADY_EXISTS', 'INVALID_ARGUMENT', 'FAILED_PRECONDITION')) throw error;
    const isInvalid = error.code === 'INVALID_ARGUMENT';
    const fields = isInvalid
      ? refusedByCustomers(this.context.mapping.fields, error.violations, values, this.#type)
      : undefined;
    return { outcome: 'REFUSED', conflict: refusal(error, this.#type), ...(fields && { fields }) };
  }
}

function refusal({ code, message, violations, metadata }: AppError, { singular }: ExchangedType): Conflict {
  const fields = violations.map(({ field, description }) => `${field} ${description}`).join('; ');
  if (code === 'ALREADY_EXISTS') {
    return { kind: 'VALUE_TAKEN', message: fields || message, otherCustomerId: metadata[`${singular}Id`] };
  }
  return { kind: 'REJECTED', message: fields || message };
}
