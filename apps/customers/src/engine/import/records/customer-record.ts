import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { type UniqueValue, uniqueValues } from '../../records/unique-values.js';
import { customerType } from '../../records/customers/customer-type.js';

/** A customer that rows of a chunk meet or create. */
export interface CustomerRecord {
  id: string;
  /** As it is stored; undefined for one that is still to be created. */
  stored: Customer | undefined;
  /** As it will be stored. */
  customer: Customer;
  changed: boolean;
  /** Whether a row of this file has met or created it. */
  met: boolean;
  /** Whether one of those rows gave its display name. */
  named: boolean;
}

/** The customers that a chunk is about, to be found by what identifies them. */
export class CustomerRecords {
  readonly #byId = new Map<string, CustomerRecord>();
  readonly #byKey = new Map<string, CustomerRecord>();
  readonly #byName = new Map<string, Set<CustomerRecord>>();
  readonly #hidden = new Set<string>();
  readonly all = new Set<CustomerRecord>();

  /**
   * Notes the keys and the name that a record has now.
   *
   * @param before the customer as it was when it was put last, of which it may have lost keys
   */
  put(record: CustomerRecord, before?: Customer): void {
    if (before && before !== record.customer) {
      for (const value of uniqueValues(customerType(), before)) {
        if (this.#byKey.get(keyText(value)) === record) this.#byKey.delete(keyText(value));
      }
    }
    this.all.add(record);
    this.#byId.set(record.id, record);
    for (const value of uniqueValues(customerType(), record.customer)) this.#byKey.set(keyText(value), record);
    const name = record.customer.displayName ?? '';
    const namesakes = this.#byName.get(name) ?? new Set();
    this.#byName.set(name, namesakes.add(record));
  }

  byId(id: string): CustomerRecord | undefined {
    return this.#byId.get(id);
  }

  owner(value: UniqueValue): CustomerRecord | undefined {
    return this.#byKey.get(keyText(value));
  }

  /** Notes that a key is that of a customer whom the caller does not see. */
  hide(value: Pick<UniqueValue, 'type' | 'value'>): void {
    this.#hidden.add(keyText(value));
  }

  isHidden(value: UniqueValue): boolean {
    return this.#hidden.has(keyText(value));
  }

  /** Records of that display name, those put first first. */
  namesakes(displayName: string): CustomerRecord[] {
    return [...(this.#byName.get(displayName) ?? [])].filter(({ customer }) => customer.displayName === displayName);
  }
}

function keyText({ type, value }: Pick<UniqueValue, 'type' | 'value'>): string {
  return `${type} ${value}`;
}
