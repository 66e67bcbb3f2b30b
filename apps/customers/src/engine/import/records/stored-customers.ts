import type { EntityManager } from '@mikro-orm/postgresql';
import { transactionPipeline } from '@rapport/persistence';
import { insertKeys, releaseValues } from '../../records/claim-unique-values.js';
import type { CustomFields } from '../../fields/custom-fields.js';
import type { CustomerStore } from '../chunks/import-chunk.js';
import type { PreparedRow } from '../rows/prepare-row.js';
import { customerType } from '../../records/customers/customer-type.js';
import { addedKeys, removedKeys } from './added-keys.js';
import type { CustomerRecords } from './customer-record.js';
import { findRecords } from './find-records.js';
import type { MetCustomers } from './met-customers.js';
import { writeRecords } from './write-records.js';

/** The customers of the tenant, which an import changes. */
export class StoredCustomers implements CustomerStore {
  /** @param operationId of the operation that can be undone; without it nothing is kept for that */
  constructor(
    private readonly met: MetCustomers,
    private readonly operationId?: string,
  ) {}

  find(em: EntityManager, rows: PreparedRow[]): Promise<CustomerRecords> {
    return findRecords(em, rows, this.met);
  }

  async write(em: EntityManager, records: CustomerRecords, customFields: CustomFields): Promise<void> {
    const met = [...records.all].filter((record) => record.met);
    const written = met.filter((record) => record.changed);
    await writeRecords(em, written, customFields, this.operationId);
    const added = addedKeys(written);
    await transactionPipeline(em, [
      // First, so that another customer of the chunk can have them.
      ...releaseValues(customerType(), removedKeys(written)),
      ...(added.length > 0 ? [insertKeys(customerType(), added)] : []),
      ...(met.length > 0 ? [this.met.remember(met)] : []),
    ]);
  }
}
