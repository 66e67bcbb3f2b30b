import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import type { Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import { AppError, currentCaller } from '@rapport/platform';
import { claimUniqueValues, releaseUniqueValues, takenError, type OwnedValue } from './claim-unique-values.js';
import { customerField } from './customer-changes.js';
import { CustomFields } from './custom-fields/custom-fields.js';
import { uniqueValues, type UniqueValue } from './customer-keys.js';
import { customerMessage } from './customer-message.js';
import { Customer } from './customer.entity.js';
import { LinkedCustomers, linkedIds } from './linked-customers.js';
import { normaliseCustomer } from './normalise-customer.js';

/** What the items of a batch name. */
interface Named {
  id?: string;
  customer?: CustomerMessage | undefined;
}

/** The customers, those that they point to and the owners of unique values that a batch is about, as its items so far have left them. */
export class BatchRecords {
  /** The unique values that customers had when they were read, and have now. */
  readonly #had = new Map<string, OwnedValue[]>();
  readonly #has = new Map<string, OwnedValue[]>();
  readonly #changed = new Set<Customer>();

  private constructor(
    private readonly em: EntityManager,
    private readonly customers: ReadonlyMap<string, Customer>,
    readonly linked: LinkedCustomers,
    private readonly owners: Map<string, string>,
    readonly customFields: CustomFields,
  ) {
    for (const customer of customers.values()) {
      const values = ownedValues(customer);
      this.#had.set(customer.id, values);
      this.#has.set(customer.id, values);
    }
  }

  /** Reads what the items name. Customers to change stay locked, and linked ones live, until the transaction ends. */
  static async load(em: EntityManager, items: Named[]): Promise<BatchRecords> {
    const customers = await findForChange(em, [...new Set(items.flatMap(({ id }) => id ?? []))]);
    const customFields = await CustomFields.load(em);
    const named = items.flatMap(({ customer }) => customer ?? []);
    const linked = await LinkedCustomers.lock(
      em,
      named.flatMap((customer) => linkedIds(customer, customFields)),
    );
    const values = named.flatMap((customer) => uniqueValues(normaliseCustomer(customer, customFields).customer));
    return new BatchRecords(em, customers, linked, await findOwners(em, values), customFields);
  }

  find(id: string): Customer | undefined {
    return this.customers.get(id);
  }

  /** @throws AppError ALREADY_EXISTS when another customer has one of the values */
  checkUnique(customerId: string | undefined, wanted: CustomerMessage): void {
    const taken = uniqueValues(wanted).filter((value) => {
      const owner = this.owners.get(keyText(value));
      return owner !== undefined && owner !== customerId;
    });
    const [first] = taken;
    if (first) throw takenError(taken, this.owners.get(keyText(first)) ?? '', customerField);
  }

  /** Notes that an item has made or changed a customer, and whose its unique values are now. */
  put(customer: Customer): CustomerMessage {
    const values = ownedValues(customer);
    for (const value of this.#has.get(customer.id) ?? []) this.owners.delete(keyText(value));
    for (const value of values) this.owners.set(keyText(value), customer.id);
    this.#has.set(customer.id, values);
    this.#changed.add(customer);
    return customerMessage(customer);
  }

  /** Values change hands only when all of them have been given back. */
  async write(): Promise<void> {
    await this.em.flush();
    const had = [...this.#changed].flatMap(({ id }) => this.#had.get(id) ?? []);
    const has = [...this.#changed].flatMap(({ id }) => this.#has.get(id) ?? []);
    await releaseUniqueValues(this.em, difference(had, has));
    await claimUniqueValues(this.em, difference(has, had), customerField).catch(asLostRace);
  }
}

/** Whose values were free when the batch began: the next try finds out which item is concerned. */
function asLostRace(error: unknown): never {
  if (!(error instanceof AppError) || error.code !== 'ALREADY_EXISTS') throw error;
  throw new AppError('ABORTED', 'CONCURRENT_WRITE', 'Another write took a unique value meanwhile. Try again.', {
    cause: error,
    retryAfterSeconds: 1,
  });
}

/** In the order of their ids, so that two batches wait for each other and not both for ever. */
async function findForChange(em: EntityManager, ids: string[]): Promise<Map<string, Customer>> {
  if (ids.length === 0) return new Map();
  const { tenantId } = currentCaller();
  const rows = await em.find(
    Customer,
    { tenantId, id: { $in: ids } },
    { orderBy: { id: 'asc' }, lockMode: LockMode.PESSIMISTIC_WRITE },
  );
  return new Map(rows.map((row) => [row.id, row]));
}

async function findOwners(em: EntityManager, values: UniqueValue[]): Promise<Map<string, string>> {
  if (values.length === 0) return new Map();
  const rows = await em.execute<(Pick<UniqueValue, 'type' | 'value'> & { customer_id: string })[]>(
    `select type, value, customer_id from customer_key
     join (select distinct type, value from jsonb_to_recordset(?) as key (type text, value text)) wanted
       using (type, value)
     where tenant_id = ?`,
    [JSON.stringify(values), currentCaller().tenantId],
  );
  return new Map(rows.map((row) => [keyText(row), row.customer_id]));
}

/** The values that are the customer's in customer_key: none once it is deleted. */
function ownedValues(customer: Customer): OwnedValue[] {
  if (customer.deleteTime) return [];
  return uniqueValues(customerMessage(customer)).map((value) => ({ ...value, customerId: customer.id }));
}

function difference(values: OwnedValue[], others: OwnedValue[]): OwnedValue[] {
  const known = new Set(others.map((value) => `${value.customerId} ${keyText(value)}`));
  return values.filter((value) => !known.has(`${value.customerId} ${keyText(value)}`));
}

function keyText({ type, value }: Pick<UniqueValue, 'type' | 'value'>): string {
  return `${type} ${value}`;
}
