import type { EntityManager } from '@mikro-orm/postgresql';
import type {
  ImportCustomersRequest,
  ImportCustomersResponse,
} from '@rapport/contracts/rapport/customers/v1/customers_service';
import { importRecords } from '../../../engine/import/import-records.js';
import type { BulkWork } from '../../../engine/pace/bulk-work.js';
import { customerImport } from './customer-import.js';

/** Answers ImportCustomers, whose report has names and enums of its own. */
export async function importCustomers(
  em: EntityManager,
  bulk: BulkWork,
  requests: AsyncIterable<ImportCustomersRequest>,
): Promise<ImportCustomersResponse> {
  const { issues, columns, ...report } = await importRecords(em, bulk, customerImport, requests);
  return {
    ...report,
    issues: issues.map(({ recordId: customerId, severity, ...issue }) => ({
      ...issue,
      severity: severity as number,
      customerId,
    })),
    columns: columns.map(({ reason, ...column }) => ({ ...column, reason: reason as number })),
  };
}
