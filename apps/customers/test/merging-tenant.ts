import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { MergeInput } from '@rapport/contracts/rapport/customers/v1/merges_service';
import { createOrm, tenantSession } from '@rapport/persistence';
import type { Caller } from '@rapport/platform';
import { entities } from '../src/database.js';
import { newCaller, type RunningCustomers } from './running-customers.js';

/** A new tenant that merges. */
export class MergingTenant {
  readonly caller: Caller = newCaller();

  constructor(private readonly customers: RunningCustomers) {}

  create(customer: Partial<Customer>): Promise<Customer> {
    return this.customers.create(this.caller, customer);
  }

  async merge(id: string, mergedId: string, input: Partial<MergeInput> = {}) {
    const { customer, merge: record } = await this.customers.call(
      'mergeCustomers',
      { id, merge: { mergedId, mergedEtag: undefined, preferMerged: [], ...input } },
      this.caller,
    );
    if (!customer || !record) throw new Error('A merge answers customer and record.');
    return { customer, record };
  }

  async unmerge(id: string) {
    const { customer, restored, ...rest } = await this.customers.call('unmergeCustomers', { id }, this.caller);
    if (!customer || !restored) throw new Error('An unmerge answers two customers.');
    return { customer, restored, ...rest };
  }

  async defineTextFields(...keys: string[]): Promise<void> {
    const { tenantId } = this.caller;
    const orm = createOrm({ databaseUrl: this.customers.urls.appUrl, entities });
    await orm.em.fork({ session: tenantSession(tenantId) }).transactional((em) =>
      em.execute(
        `insert into custom_field (tenant_id, key, type, options, searchable, version, create_time, update_time)
         select ?, key, 'TEXT', '[]', false, 1, now(), now() from jsonb_array_elements_text(?) key`,
        [tenantId, JSON.stringify(keys)],
      ),
    );
    await orm.close();
  }
}

export const email = (address: string, label?: string) => ({ address, label });

export const phone = (number: string) => ({ number, label: undefined });

/** What a caller decides on. */
export function content({ etag: _etag, updateTime: _time, updatedBy: _by, ...rest }: Customer): Partial<Customer> {
  return rest;
}
