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
import { currentCaller } from '@rapport/platform';
import { aggregateCustomers } from './aggregate-customers.js';
import { createBatch, deleteBatch, updateBatch } from './batch-customers.js';
import { customerMessage } from './customer-message.js';
import { customerOfRow, type CustomerRow } from './customer-row.js';
import type { Customer } from './customer.entity.js';
import { exportCustomers } from './export/export-customers.js';
import { importCustomers } from './import/import-customers.js';
import { listCustomers, PageTokenKey } from './list-customers.js';
import { liveCustomer } from './merges/merged-into.js';
import { upsertCustomer } from './upsert-customer.js';
import { writeCall } from './write-call.js';
import { createCustomer, deleteCustomer, undeleteCustomer, updateCustomer } from './write-customer.js';

@Controller()
@ImplementsService(Methods)
export class CustomersController implements ServiceHandlers<CustomersServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly pageTokenKey: PageTokenKey,
  ) {}

  async getCustomer({ id }: GetCustomerRequest): Promise<CustomerMessage> {
    const [customer] = await this.#read([id]);
    return customerMessage(await liveCustomer(this.em, id, customer));
  }

  listCustomers(request: ListCustomersRequest): Promise<ListCustomersResponse> {
    return listCustomers(this.em, this.pageTokenKey, request);
  }

  async batchGetCustomers(request: BatchGetCustomersRequest): Promise<BatchGetCustomersResponse> {
    const ids = [...new Set(request.ids)];
    const byId = new Map((await this.#read(ids)).map((customer) => [customer.id, customerMessage(customer)]));
    return {
      customers: ids.flatMap((id) => byId.get(id) ?? []),
      missingIds: ids.filter((id) => !byId.has(id)),
    };
  }

  aggregateCustomers(request: AggregateCustomersRequest): Promise<AggregateCustomersResponse> {
    return aggregateCustomers(this.em, request);
  }

  exportCustomers(request: ExportCustomersRequest): AsyncIterable<HttpBody> {
    return exportCustomers(this.em, request);
  }

  createCustomer(request: CreateCustomerRequest): Promise<CustomerMessage> {
    return writeCall(this.em, Methods.createCustomer, request, (em) => createCustomer(em, request));
  }

  updateCustomer(request: UpdateCustomerRequest): Promise<CustomerMessage> {
    return writeCall(this.em, Methods.updateCustomer, request, (em) => updateCustomer(em, request));
  }

  deleteCustomer(request: DeleteCustomerRequest): Promise<CustomerMessage> {
    return writeCall(this.em, Methods.deleteCustomer, request, (em) => deleteCustomer(em, request));
  }

  undeleteCustomer(request: UndeleteCustomerRequest): Promise<CustomerMessage> {
    return writeCall(this.em, Methods.undeleteCustomer, request, (em) => undeleteCustomer(em, request));
  }

  upsertCustomer(request: UpsertCustomerRequest): Promise<UpsertCustomerResponse> {
    return writeCall(this.em, Methods.upsertCustomer, request, (em) => upsertCustomer(em, request));
  }

  batchCreateCustomers(request: BatchCreateCustomersRequest): Promise<BatchCreateCustomersResponse> {
    return writeCall(this.em, Methods.batchCreateCustomers, request, (em) => createBatch(em, request.batch));
  }

  batchUpdateCustomers(request: BatchUpdateCustomersRequest): Promise<BatchUpdateCustomersResponse> {
    return writeCall(this.em, Methods.batchUpdateCustomers, request, (em) => updateBatch(em, request.batch));
  }

  batchDeleteCustomers(request: BatchDeleteCustomersRequest): Promise<BatchDeleteCustomersResponse> {
    return writeCall(this.em, Methods.batchDeleteCustomers, request, (em) => deleteBatch(em, request.batch));
  }

  importCustomers(requests: AsyncIterable<ImportCustomersRequest>): Promise<ImportCustomersResponse> {
    return importCustomers(this.em, requests);
  }

  /** The live customers of the ids, in any order. */
  async #read(ids: string[]): Promise<Customer[]> {
    if (ids.length === 0) return [];
    const rows = await this.em.execute<CustomerRow[]>(
      'select * from customer where tenant_id = ? and id in (?) and delete_time is null',
      [currentCaller().tenantId, ids],
    );
    return rows.map(customerOfRow);
  }
}
