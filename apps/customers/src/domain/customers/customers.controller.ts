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
import { aggregateCustomers } from '../../engine/query/aggregate-customers.js';
import { methodDescriptor } from '../../engine/values/contract.js';
import { BulkPace } from '../../engine/pace/bulk-pace.js';
import { BulkWork } from '../../engine/pace/bulk-work.js';
import { batchGetCustomers } from '../../engine/query/batch-get-customers.js';
import { createBatch, deleteBatch, updateBatch } from '../../engine/write/batch-customers.js';
import { customerAsOf } from '../../engine/changes/history/customer-as-of.js';
import { messagesOfRows, type CustomerRow } from '../../engine/records/customer-row.js';
import { liveCustomers } from '../../engine/records/customer-statements.js';
import { exportCustomers } from '../../engine/export/export-customers.js';
import { importCustomers } from '../../engine/import/import-customers.js';
import { listCustomers, PageTokenKey } from '../../engine/query/list-customers.js';
import { missingCustomer } from '../../engine/records/merged-into.js';
import { shownCounts, shownToCaller } from '../../engine/fields/hidden-data.js';
import { upsertCustomer } from '../../engine/write/upsert-customer.js';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { createCustomer, deleteCustomer, undeleteCustomer, updateCustomer } from '../../engine/write/write-customer.js';

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
    if (asOf !== undefined) return customerAsOf(this.em, id, asOf);
    const rows = await readForTenant<CustomerRow>(this.em, liveCustomers([id]));
    const [customer] = await messagesOfRows(rows);
    if (!customer) throw await missingCustomer(this.em, id);
    return customer;
  }

  listCustomers(request: ListCustomersRequest): Promise<ListCustomersResponse> {
    return listCustomers(this.em, this.pageTokenKey, request);
  }

  batchGetCustomers(request: BatchGetCustomersRequest): Promise<BatchGetCustomersResponse> {
    return batchGetCustomers(this.em, request);
  }

  aggregateCustomers(request: AggregateCustomersRequest): Promise<AggregateCustomersResponse> {
    return aggregateCustomers(this.em, request);
  }

  exportCustomers(request: ExportCustomersRequest): AsyncIterable<HttpBody> {
    return exportCustomers(this.em, this.bulk, request);
  }

  createCustomer(request: CreateCustomerRequest): Promise<CustomerMessage> {
    return hotWriteCall(this.em, Methods.createCustomer, request, (transaction) =>
      createCustomer(transaction, request),
    );
  }

  updateCustomer(request: UpdateCustomerRequest): Promise<CustomerMessage> {
    return hotWriteCall(this.em, Methods.updateCustomer, request, (transaction) =>
      updateCustomer(transaction, request),
    );
  }

  deleteCustomer(request: DeleteCustomerRequest): Promise<CustomerMessage> {
    return hotWriteCall(this.em, Methods.deleteCustomer, request, (transaction) =>
      deleteCustomer(transaction, request),
    );
  }

  undeleteCustomer(request: UndeleteCustomerRequest): Promise<CustomerMessage> {
    return hotWriteCall(this.em, Methods.undeleteCustomer, request, (transaction) =>
      undeleteCustomer(transaction, request),
    );
  }

  upsertCustomer(request: UpsertCustomerRequest): Promise<UpsertCustomerResponse> {
    return hotWriteCall(this.em, Methods.upsertCustomer, request, (transaction) =>
      upsertCustomer(transaction, request),
    );
  }

  batchCreateCustomers(request: BatchCreateCustomersRequest): Promise<BatchCreateCustomersResponse> {
    return this.#paced(request.batch, () =>
      hotWriteCall(this.em, Methods.batchCreateCustomers, request, (transaction) =>
        createBatch(transaction, request.batch),
      ),
    );
  }

  batchUpdateCustomers(request: BatchUpdateCustomersRequest): Promise<BatchUpdateCustomersResponse> {
    return this.#paced(request.batch, () =>
      hotWriteCall(this.em, Methods.batchUpdateCustomers, request, (transaction) =>
        updateBatch(transaction, request.batch),
      ),
    );
  }

  batchDeleteCustomers(request: BatchDeleteCustomersRequest): Promise<BatchDeleteCustomersResponse> {
    return this.#paced(request.batch, () =>
      hotWriteCall(this.em, Methods.batchDeleteCustomers, request, (transaction) =>
        deleteBatch(transaction, request.batch),
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
