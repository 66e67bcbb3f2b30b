import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { CustomField_Type } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import type { MergeInput } from '@rapport/contracts/rapport/customers/v1/merges_service';
import { createOrm, tenantSession } from '@rapport/persistence';
import type { Caller } from '@rapport/platform';
import { entities } from '../src/database.js';
import { defineField } from './custom-field-requests.js';
import { newCaller, type SharedCustomers } from './running-customers.js';

/** A tenant that merges. */
export class MergingTenant {
  constructor(
    private readonly customers: SharedCustomers,
    readonly caller: Caller = newCaller(),
  ) {}

  create(customer: Partial<Customer>): Promise<Customer> {
    return this.customers.create(this.caller, customer);
  }

  async merge(id: string, mergedId: string, input: Partial<MergeInput> = {}) {
    const { customer, merge: record } = await this.customers.call(
      'mergeCustomers',
      { id, merge: { mergedId, mergedEtag: undefined, preferMerged: [], ...input } },
      this.caller,
    );
    if (!customer || !record) throw new Error('A merge returns customer and record.');
    return { customer, record };
  }

  async unmerge(id: string) {
    const { customer, restored, ...rest } = await this.customers.call('unmergeCustomers', { id }, this.caller);
    if (!customer || !restored) throw new Error('An unmerge returns two customers.');
    return { customer, restored, ...rest };
  }

  /** Associates two customers. @returns the id of the association */
  async associate(fromCustomerId: string, toCustomerId: string, type = 'knows'): Promise<string> {
    const association = {
      id: '',
      fromCustomerId,
      type,
      toCustomerId,
      role: undefined,
      labels: [],
      etag: '',
      createTime: undefined,
      updateTime: undefined,
    };
    return (await this.customers.call('createAssociation', { association }, this.caller)).id;
  }

  /** The associations of a customer as "from type to". */
  async links(customerId: string): Promise<string[]> {
    const { associations } = await this.customers.call('listAssociations', { customerId }, this.caller);
    return associations.map(({ type, fromCustomerId, toCustomerId }) => `${fromCustomerId} ${type} ${toCustomerId}`);
  }

  /** Defines a custom field whose values are ids of customers. */
  async defineReference(key: string, recordType?: string): Promise<void> {
    await defineField(this.customers, this.caller, key, CustomField_Type.REFERENCE, recordType ? { recordType } : {});
  }

  async defineTextFields(...keys: string[]): Promise<void> {
    await this.execute(
      `insert into custom_field (tenant_id, key, type, options, searchable, version, create_time, update_time)
       select ?, key, 'TEXT', '[]', false, 1, now(), now() from jsonb_array_elements_text(?) key`,
      [this.caller.tenantId, JSON.stringify(keys)],
    );
  }

  /** Defines the custom fields f0, f1 and so on. @param type as an expression of SQL, in which `n` is the number of the field */
  async defineFields(count: number, type: string, options: object[] = []): Promise<void> {
    await this.execute(
      `insert into custom_field (tenant_id, key, type, options, searchable, version, create_time, update_time)
       select ?, 'f' || n, ${type}, ?, false, 1, now(), now() from generate_series(0, ?::int - 1) n`,
      [this.caller.tenantId, JSON.stringify(options), count],
    );
  }

  /** Changes rows directly, as no call can. */
  async execute(sql: string, parameters: unknown[]): Promise<void> {
    const orm = createOrm({ databaseUrl: this.customers.urls.appUrl, entities });
    const session = tenantSession(this.caller.tenantId);
    await orm.em.fork({ session }).transactional((em) => em.execute(sql, parameters));
    await orm.close();
  }
}

export const email = (address: string, label?: string) => ({ address, label });

export const phone = (number: string) => ({ number, label: undefined });

/** Writable content. */
export function content({ etag: _etag, updateTime: _time, updatedBy: _by, ...rest }: Customer): Partial<Customer> {
  return rest;
}
