import { Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import type { StatementTransaction } from '@rapport/persistence';
import { AppError } from '@rapport/platform';
import {
  claimValues,
  ownedValues,
  ownersOf,
  releaseValues,
  takenError,
  valueText,
  type OwnedValue,
  type OwnerRow,
} from '../records/claim-unique-values.js';
import type { Turns } from '../pace/bulk-pace.js';
import { customerField } from '../records/customer-changes.js';
import { uniqueValues, type UniqueValue } from '../records/customer-keys.js';
import { messagesOfRows, type CustomerRow } from '../records/customer-row.js';
import { customerRecord, insertRecords, lockCustomers, updateRecords } from '../records/customer-statements.js';
import { CustomFields, type Definition } from '../fields/custom-fields.js';
import { LinkedCustomers, linkedIds, type LinkedRow } from '../records/linked-customers.js';
import { normaliseCustomer } from '../../domain/customers/normalise-customer.js';
import { currentSeal } from '../sealing/seal.js';
import { leftByPeople } from './write-customer.js';

/** What the items of a batch name. */
interface Named {
  id?: string;
  customer?: CustomerMessage | undefined;
}

/** The customers, those that they point to and the owners of unique values that a batch is about, as its items so far have left them. */
export class BatchRecords {
  /** Customers as they were read, by id. */
  readonly #before: ReadonlyMap<string, CustomerMessage>;
  /** And as they are now, new ones too. */
  readonly #now: Map<string, CustomerMessage>;
  /** Ids of those that items have changed or made. */
  readonly #changed = new Set<string>();

  private constructor(
    private readonly transaction: StatementTransaction,
    customers: readonly CustomerMessage[],
    readonly linked: LinkedCustomers,
    private readonly owners: Map<string, string | null>,
    readonly customFields: CustomFields,
  ) {
    this.#before = new Map(customers.map((customer) => [customer.id, customer]));
    this.#now = new Map(this.#before);
  }

  /** Reads what the items name. Customers to change stay locked, and linked ones live, until the transaction ends. */
  static async load(transaction: StatementTransaction, items: Named[]): Promise<BatchRecords> {
    const named = items.flatMap(({ customer }) => customer ?? []);
    const [customers, customFields] = await loadChanged(transaction, items, named);
    const links = named.flatMap((customer) => linkedIds(customer, customFields));
    const values = named.flatMap(namedValues);
    const [owners = [], linked = []] =
      values.length + links.length > 0 ? await transaction.run(ownersOf(values), LinkedCustomers.statement(links)) : [];
    return new BatchRecords(
      transaction,
      customers,
      LinkedCustomers.of(linked as LinkedRow[]),
      new Map((owners as OwnerRow[]).map((row) => [valueText(row), row.customer_id])),
      customFields,
    );
  }

  find(id: string): CustomerMessage | undefined {
    return this.#now.get(id);
  }

  /** @throws AppError ALREADY_EXISTS when another customer has one of the values */
  checkUnique(customerId: string | undefined, wanted: CustomerMessage): void {
    const taken = uniqueValues(wanted).filter((value) => {
      const owner = this.owners.get(valueText(value));
      return owner !== undefined && owner !== customerId;
    });
    const [first] = taken;
    if (first) throw takenError(taken, this.owners.get(valueText(first)) ?? null, customerField);
  }

  /** Notes that an item has made or changed a customer, and whose its unique values are now. */
  put(customer: CustomerMessage): CustomerMessage {
    const before = this.#now.get(customer.id);
    if (customer === before) return customer;
    for (const value of valuesOf(before)) this.owners.delete(valueText(value));
    for (const value of valuesOf(customer)) this.owners.set(valueText(value), customer.id);
    this.#now.set(customer.id, customer);
    this.#changed.add(customer.id);
    return customer;
  }

  /** Leaves what came of the items for the end of the transaction. Values change hands only when all have been given back. */
  async write(turns: Turns): Promise<void> {
    const changed = [...this.#changed].flatMap((id) => this.#now.get(id) ?? []);
    const isNew = ({ id }: CustomerMessage) => !this.#before.has(id);
    const [created, updated] = [changed.filter(isNew), changed.filter((customer) => !isNew(customer))];
    const had = updated.flatMap(({ id }) => valuesOf(this.#before.get(id)));
    const has = changed.flatMap(valuesOf);
    await currentSeal()?.prepare(created.map(({ id }) => id));
    const recordsOf = (customers: readonly CustomerMessage[]) =>
      turns.map(customers, (customer) => customerRecord(customer, this.customFields));
    if (created.length > 0) this.transaction.later(insertRecords(await recordsOf(created)));
    if (updated.length > 0) this.transaction.later(updateRecords(await recordsOf(updated)));
    this.transaction.later(...releaseValues(difference(had, has)));
    this.transaction.later(...claimValues(difference(has, had), customerField, asLostRace));
    this.transaction.later(...leftByPeople(updated.filter(({ deleteTime }) => deleteTime !== undefined)));
  }
}

async function loadChanged(
  transaction: StatementTransaction,
  items: Named[],
  named: CustomerMessage[],
): Promise<[customers: CustomerMessage[], customFields: CustomFields]> {
  const ids = items.flatMap(({ id }) => id ?? []);
  // New customers without custom fields need no definitions.
  if (ids.length === 0 && !named.some(({ customFields }) => customFields)) return [[], new CustomFields([])];
  const [rows = [], definitions = []] = await transaction.run(lockCustomers(ids), CustomFields.statement());
  return [await messagesOfRows(rows as CustomerRow[]), new CustomFields(definitions as Definition[])];
}

/** The values that a customer shall have. Its other fields don't matter for them. */
function namedValues({ emails, domains, externalIds }: CustomerMessage): UniqueValue[] {
  const others = CustomerMessage.decode(new Uint8Array());
  const { customer } = normaliseCustomer({ ...others, emails, domains, externalIds }, new CustomFields([]));
  return uniqueValues(customer);
}

/** Whose values were free when the batch began: the next try finds out which item is concerned. */
function asLostRace(error: AppError): AppError {
  if (error.code !== 'ALREADY_EXISTS') return error;
  return new AppError('ABORTED', 'CONCURRENT_WRITE', 'Another write took a unique value meanwhile. Try again.', {
    cause: error,
    retryAfterSeconds: 1,
  });
}

/** The values that are the customer's in customer_key: none once it is deleted. */
function valuesOf(customer: CustomerMessage | undefined): OwnedValue[] {
  return !customer || customer.deleteTime !== undefined ? [] : ownedValues(customer.id, uniqueValues(customer));
}

function difference(values: OwnedValue[], others: OwnedValue[]): OwnedValue[] {
  const known = new Set(others.map((value) => `${value.customerId} ${valueText(value)}`));
  return values.filter((value) => !known.has(`${value.customerId} ${valueText(value)}`));
}
