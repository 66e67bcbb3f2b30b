import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import type { Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import {
  CustomersServiceService as Methods,
  type AggregateCustomersRequest,
  type AggregateCustomersResponse,
  type BatchCreateCustomersRequest,
  type BatchCreateCustomersResponse,
  type BatchDeleteCustomersRequest,
  type BatchDeleteCustomersResponse,
  type BatchGetCustomersRequest,
  type BatchGetCustomersResponse,
  type BatchProblem,
  type BatchResult,
  type BatchUpdateCustomersRequest,
  type BatchUpdateCustomersResponse,
  type CreateCustomerRequest,
  type CustomersServiceServer,
  type DeleteCustomerRequest,
  type ExportCustomersRequest,
  type GetCustomerRequest,
  type ImportCustomersRequest,
  type ImportCustomersResponse,
  type ListCustomersRequest,
  type ListCustomersResponse,
  type UndeleteCustomerRequest,
  type UpdateCustomerRequest,
  type UpsertCustomerRequest,
  type UpsertCustomerResponse,
} from '@rapport/contracts/rapport/customers/v1/customers_service';
import { causedBy, readForTenant } from '@rapport/persistence';
import type { AppError, FieldViolation } from '@rapport/platform';
import { aggregateRecords } from '../../engine/query/aggregate-records.js';
import { methodDescriptor } from '../../engine/values/contract.js';
import { BulkPace } from '../../engine/pace/bulk-pace.js';
import { BulkWork } from '../../engine/pace/bulk-work.js';
import { batchGetRecords } from '../../engine/query/batch-get-records.js';
import { createBatch, deleteBatch, updateBatch, type BatchOutcome } from '../../engine/write/batch-write.js';
import { recordAsOf } from '../../engine/changes/history/record-as-of.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { exportRecords } from '../../engine/export/export-records.js';
import { listRecords, PageTokenKey } from '../../engine/query/list-records.js';
import { missingRecord } from '../../engine/records/missing-record.js';
import { shownCounts, shownToCaller } from '../../engine/fields/hidden-data.js';
import { upsertRecord } from '../../engine/write/upsert-record.js';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { createRecord, deleteRecord, undeleteRecord, updateRecord } from '../../engine/write/write-record.js';
import { customers } from './customers.js';
import { matchedValue } from './matched-value.js';
import { customerColumns } from './import/csv-columns.js';
import { importCustomers } from './import/import-customers.js';

/** Most items of a batch that counts as one call among others. */
const maxShortBatch = 20;

@Controller()
@ImplementsService(Methods)
export class CustomersController implements ServiceHandlers<CustomersServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly pageTokenKey: PageTokenKey,
    private readonly bulk: BulkWork,
  ) {}

  async getCustomer({ id, asOf }: GetCustomerRequest): Promise<CustomerMessage> {
    if (asOf !== undefined) return recordAsOf(this.em, customers, id, asOf);
    const stored = await readForTenant<StoredRecord<CustomerMessage>>(this.em, liveRecords(customers, [id]));
    const [customer] = await openStored(customers, stored);
    if (!customer) throw await missingRecord(this.em, customers, id);
    return customer;
  }

  async listCustomers(request: ListCustomersRequest): Promise<ListCustomersResponse> {
    const { records, ...page } = await listRecords(this.em, customers, this.pageTokenKey, request);
    return { customers: records, ...page };
  }

  async batchGetCustomers(request: BatchGetCustomersRequest): Promise<BatchGetCustomersResponse> {
    const { records, ...ids } = await batchGetRecords(this.em, customers, request);
    return { customers: records, ...ids };
  }

  aggregateCustomers(request: AggregateCustomersRequest): Promise<AggregateCustomersResponse> {
    return aggregateRecords(this.em, customers, request);
  }

  exportCustomers(request: ExportCustomersRequest): AsyncIterable<HttpBody> {
    return exportRecords(this.em, this.bulk, customers, request, customerColumns);
  }

  createCustomer(request: CreateCustomerRequest): Promise<CustomerMessage> {
    return hotWriteCall(this.em, Methods.createCustomer, request, (transaction) =>
      createRecord(transaction, customers, request),
    );
  }

  updateCustomer(request: UpdateCustomerRequest): Promise<CustomerMessage> {
    return hotWriteCall(this.em, Methods.updateCustomer, request, (transaction) =>
      updateRecord(transaction, customers, request),
    );
  }

  deleteCustomer(request: DeleteCustomerRequest): Promise<CustomerMessage> {
    return hotWriteCall(this.em, Methods.deleteCustomer, request, (transaction) =>
      deleteRecord(transaction, customers, request),
    );
  }

  undeleteCustomer(request: UndeleteCustomerRequest): Promise<CustomerMessage> {
    return hotWriteCall(this.em, Methods.undeleteCustomer, request, (transaction) =>
      undeleteRecord(transaction, customers, request),
    );
  }

  upsertCustomer(request: UpsertCustomerRequest): Promise<UpsertCustomerResponse> {
    return hotWriteCall(this.em, Methods.upsertCustomer, request, async (transaction) => {
      const valueOf = (customer: CustomerMessage) => matchedValue(request, customer);
      const { record, created } = await upsertRecord(transaction, customers, request, valueOf);
      return { customer: record, created };
    });
  }

  batchCreateCustomers(request: BatchCreateCustomersRequest): Promise<BatchCreateCustomersResponse> {
    return this.#paced(request.batch, () =>
      hotWriteCall(this.em, Methods.batchCreateCustomers, request, async (transaction) =>
        batchResults(await createBatch(transaction, customers, request.batch)),
      ),
    );
  }

  batchUpdateCustomers(request: BatchUpdateCustomersRequest): Promise<BatchUpdateCustomersResponse> {
    return this.#paced(request.batch, () =>
      hotWriteCall(this.em, Methods.batchUpdateCustomers, request, async (transaction) =>
        batchResults(await updateBatch(transaction, customers, request.batch)),
      ),
    );
  }

  batchDeleteCustomers(request: BatchDeleteCustomersRequest): Promise<BatchDeleteCustomersResponse> {
    return this.#paced(request.batch, () =>
      hotWriteCall(this.em, Methods.batchDeleteCustomers, request, async (transaction) =>
        batchResults(await deleteBatch(transaction, customers, request.batch)),
      ),
    );
  }

  async importCustomers(requests: AsyncIterable<ImportCustomersRequest>): Promise<ImportCustomersResponse> {
    const answer = await causedBy(this.em, { origin: 'import' }, () => importCustomers(this.em, this.bulk, requests));
    return shownToCaller(methodDescriptor(Methods.importCustomers.path).output, shownCounts(answer));
  }

  /** A long batch counts as bulk work: it gives way to other calls. */
  #paced<Response>(batch: { items: unknown[] } | undefined, call: () => Promise<Response>): Promise<Response> {
    return batch && batch.items.length > maxShortBatch ? BulkPace.of(this.em).keep(call) : call();
  }
}

function batchResults(outcomes: BatchOutcome<CustomerMessage>[]): { results: BatchResult[] } {
  return {
    results: outcomes.map((outcome) =>
      'record' in outcome
        ? { customer: outcome.record, problem: undefined }
        : { customer: undefined, problem: problemOf(outcome.problem, outcome.violations) },
    ),
  };
}

function problemOf({ code, reason, message, metadata }: AppError, violations: FieldViolation[]): BatchProblem {
  return { code, reason, message, violations, customerId: metadata['customerId'] };
}
