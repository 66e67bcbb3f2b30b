import { Association } from '@rapport/contracts/rapport/customers/v1/associations_service';
import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import type { Pipeline } from '@rapport/contracts/rapport/sales/v1/pipeline';
import type { Caller } from '@rapport/platform';
import { MergingTenant } from './merging-tenant.js';
import { person, type SharedCustomers } from './running-customers.js';
import { SalesTenant } from './sales-tenant.js';

/** A tenant that associates records of several types. */
export class AssociatingTenant {
  readonly merging: MergingTenant;
  readonly sales: SalesTenant;
  #pipeline: Promise<Pipeline> | undefined;

  constructor(readonly customers: SharedCustomers) {
    this.merging = new MergingTenant(customers);
    this.sales = new SalesTenant(customers, this.caller);
  }

  /** A new tenant, its caller, and the ids of a person and a deal. */
  static async withRecords(customers: SharedCustomers) {
    const tenant = new AssociatingTenant(customers);
    return { tenant, caller: tenant.caller, ada: await tenant.person(), deal: await tenant.deal() };
  }

  get caller(): Caller {
    return this.merging.caller;
  }

  /** The only pipeline, created with the first deal. */
  pipeline(): Promise<Pipeline> {
    this.#pipeline ??= this.sales.createPipeline();
    return this.#pipeline;
  }

  async person(): Promise<string> {
    return (await this.merging.create(person())).id;
  }

  async deal(given: Partial<Deal> = {}): Promise<string> {
    return (await this.sales.createDeal(await this.pipeline(), given)).id;
  }

  associate(given: Partial<Association>, as = this.caller, requestId?: string): Promise<Association> {
    const association = { ...Association.decode(new Uint8Array()), type: 'decides_on', ...given };
    return this.customers.call('createAssociation', { association, requestId }, as);
  }

  /** Associates a customer with a deal. */
  link(customerId: string, dealId: string, given: Partial<Association> = {}): Promise<Association> {
    return this.associate({ from: `customers/${customerId}`, to: `deals/${dealId}`, ...given });
  }

  /** Ids of the associations of a record. */
  async linksOf(record: string, as = this.caller): Promise<string[]> {
    const ids: string[] = [];
    let pageToken: string | undefined;
    do {
      const page = await this.customers.call('listRecordAssociations', { record, pageToken, pageSize: 200 }, as);
      ids.push(...page.associations.map(({ id }) => id));
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
    return ids;
  }
}
