import { randomUUID } from 'node:crypto';
import type { ContractClient } from '@rapport/contracts';
import { Customer, type CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import {
  CreateCustomerRequest,
  CustomersServiceService as Methods,
  DeleteCustomerRequest,
  ListCustomersRequest,
  UndeleteCustomerRequest,
  UpdateCustomerRequest,
  type BatchGetCustomersResponse,
  type ListCustomersResponse,
} from '@rapport/contracts/rapport/customers/v1/customers_service';
import { AppError, type CallCause } from '@rapport/platform';
import type { JsonValue } from '../connectors/peer-record.js';
import { customerChanges } from '../mappings/lenses/field-values.js';
import { FilterRefusedError, refusalOf } from './customer-filter.js';

const callMs = 10_000;
const pageSize = 100;

/** Of a filter, which has up to 2,000 characters. */
const maxComparisons = 6;
const maxComparisonLength = 300;

/** A customer that is there. */
export interface PresentCustomer {
  isThere: true;
  customer: Customer;
  /** Whether it meets the filter of the mapping. */
  takesPart: boolean;
}

/** A customer as it is now. */
export type CustomerState =
  | PresentCustomer
  /** Deleted, erased, or merged into another that is there. */
  | { isThere: false; mergedInto?: string | undefined; isErased?: boolean };

/** The customers of a tenant, as a principal may read and write them. Whatever it writes says where it came from. */
export class ActingCustomers {
  constructor(
    private readonly client: Pick<ContractClient, 'unary'>,
    private readonly token: () => Promise<string>,
    private readonly origin: string,
    private readonly signal: AbortSignal,
    /** Of a mapping; null when all customers take part. */
    private readonly filter: string | null,
  ) {}

  async get(id: string): Promise<CustomerState> {
    const tested = this.filter === null ? undefined : (await this.batchGet([id])).get(id);
    if (tested) return tested;
    try {
      const customer = (await this.#call(Methods.getCustomer.path, { id })) as Customer;
      // With a filter it was not there when it was tested: that it is back is a change, which has it tested.
      return { isThere: true, customer, takesPart: this.filter === null };
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'NOT_FOUND') throw error;
      const { mergedInto } = error.metadata;
      if (mergedInto !== undefined) return this.#survivor(mergedInto);
      return { isThere: false, isErased: error.reason === 'CUSTOMER_ERASED' };
    }
  }

  /**
   * Those of up to 100 customers that are there, by id.
   *
   * @throws FilterRefusedError
   */
  async batchGet(ids: readonly string[]): Promise<Map<string, PresentCustomer>> {
    if (ids.length === 0) return new Map();
    const request = { ids, ...(this.filter !== null && { filter: this.filter }) };
    const { customers, unmetIds } = (await this.#call(Methods.batchGetCustomers.path, request).catch(
      filterRefused,
    )) as BatchGetCustomersResponse;
    const unmet = new Set(unmetIds);
    return new Map(customers.map((customer) => [customer.id, presentCustomer(customer, !unmet.has(customer.id))]));
  }

  /**
   * A page of all customers of a kind, the oldest first, with the token of the next one. Those that do not meet the filter are among
   * them.
   *
   * @throws FilterRefusedError
   */
  async page(
    kind: 'PERSON' | 'COMPANY',
    pageToken: string | undefined,
  ): Promise<{ customers: PresentCustomer[]; nextPageToken?: string | undefined }> {
    const request = { filter: `kind = ${kind}`, orderBy: 'createTime', pageSize, pageToken };
    const message = { ...ListCustomersRequest.decode(new Uint8Array()), ...request };
    const page = (await this.#call(Methods.listCustomers.path, message)) as ListCustomersResponse;
    const { customers, nextPageToken } = page;
    if (this.filter === null) return { customers: customers.map((each) => presentCustomer(each, true)), nextPageToken };
    // As they are when they are tested: one that was deleted since is not among them.
    return { customers: [...(await this.batchGet(customers.map(({ id }) => id))).values()], nextPageToken };
  }

  /** Whether a customer that was just written meets the filter. One that is gone does. */
  async takesPart(id: string): Promise<boolean> {
    if (this.filter === null) return true;
    return (await this.batchGet([id])).get(id)?.takesPart ?? true;
  }

  /** Customers of a kind that have one of these values, by the names that filters have: as many as one is likely to be of. */
  async having(kind: 'PERSON' | 'COMPANY', values: Readonly<Record<string, string[]>>): Promise<Customer[]> {
    const all = Object.entries(values).flatMap(([field, texts]) => texts.map((text) => `${field}:${quoted(text)}`));
    const comparisons = all.slice(0, maxComparisons).filter((comparison) => comparison.length < maxComparisonLength);
    if (comparisons.length === 0) return [];
    const request = { filter: `kind = ${kind} AND (${comparisons.join(' OR ')})`, pageSize: maxComparisons };
    const message = { ...ListCustomersRequest.decode(new Uint8Array()), ...request };
    return ((await this.#call(Methods.listCustomers.path, message)) as ListCustomersResponse).customers;
  }

  /** @param requestId a UUID, which is the id that the customer has if this has ever been done */
  async create(kind: CustomerKind, values: Values, requestId: string, cause: CallCause): Promise<Customer> {
    const { customer } = customerChanges(values);
    const empty = CreateCustomerRequest.decode(new Uint8Array());
    const request = { ...empty, customer: { ...emptyCustomer(), ...customer, kind }, requestId };
    return (await this.#call(Methods.createCustomer.path, request, cause)) as Customer;
  }

  async update(id: string, values: Values, etag: string, requestId: string, cause: CallCause): Promise<Customer> {
    const { customer, mask } = customerChanges(values);
    const empty = UpdateCustomerRequest.decode(new Uint8Array());
    const request = { ...empty, id, customer: { ...emptyCustomer(), ...customer }, updateMask: mask, etag, requestId };
    return (await this.#call(Methods.updateCustomer.path, request, cause)) as Customer;
  }

  async delete(id: string, etag: string, cause: CallCause): Promise<void> {
    const request = { ...DeleteCustomerRequest.decode(new Uint8Array()), id, etag };
    await this.#call(Methods.deleteCustomer.path, request, cause);
  }

  async undelete(id: string, cause: CallCause): Promise<void> {
    const request = { ...UndeleteCustomerRequest.decode(new Uint8Array()), id };
    await this.#call(Methods.undeleteCustomer.path, request, cause);
  }

  /** What became of who was merged into this one, which may have been merged or deleted since. */
  async #survivor(id: string): Promise<CustomerState> {
    const state = await this.get(id);
    return state.isThere ? { isThere: false, mergedInto: id } : state;
  }

  async #call(path: string, request: unknown, cause?: CallCause): Promise<unknown> {
    const context = {
      requestId: randomUUID(),
      principalToken: await this.token(),
      cause: { ...cause, origin: this.origin },
    };
    return this.client.unary(path, request, { context, deadlineMs: callMs, signal: this.signal });
  }
}

function presentCustomer(customer: Customer, takesPart: boolean): PresentCustomer {
  return { isThere: true, customer, takesPart };
}

function filterRefused(error: unknown): never {
  const [refused] = refusalOf(error);
  throw refused ? new FilterRefusedError(refused.description, { cause: error }) : error;
}

/** A text as a filter has it (AIP-160). */
function quoted(text: string): string {
  return `"${text.replace(/["\\*]/g, '\\$&')}"`;
}

type Values = ReadonlyMap<string, JsonValue>;

function emptyCustomer(): Customer {
  return Customer.decode(new Uint8Array());
}
