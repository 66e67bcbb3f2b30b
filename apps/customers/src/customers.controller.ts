import { Controller } from '@nestjs/common';
import { EntityManager, LockMode } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import {
  CustomersServiceService,
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
  type GetCustomerRequest,
  type ImportCustomersRequest,
  type ImportCustomersResponse,
  type ListCustomersRequest,
  type ListCustomersResponse,
  type UndeleteCustomerRequest,
  type UpdateCustomerRequest,
} from '@rapport/contracts/rapport/customers/v1/customers_service';
import { checkEtag, writeOnce } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { applyUpdate, checkedCustomer } from './apply-update.js';
import { createBatch, deleteBatch, updateBatch } from './batch-customers.js';
import { claimUniqueValues, releaseUniqueValues, type OwnedValue } from './claim-unique-values.js';
import {
  addCustomer,
  changeCustomer,
  companyNotFound,
  customerField,
  live,
  markDeleted,
  nextVersion,
  notFound,
  sent,
  without,
} from './customer-changes.js';
import { uniqueValues, type UniqueValue } from './customer-keys.js';
import { customerMessage } from './customer-message.js';
import { Customer } from './customer.entity.js';
import { importCustomers } from './import/import-customers.js';
import { listCustomers, PageTokenKey } from './list-customers.js';
import { readUpdateMask } from './update-mask.js';

@Controller()
@ImplementsService(CustomersServiceService)
export class CustomersController implements ServiceHandlers<CustomersServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly pageTokenKey: PageTokenKey,
  ) {}

  async getCustomer({ id }: GetCustomerRequest): Promise<CustomerMessage> {
    const { tenantId } = currentCaller();
    return customerMessage(found(await this.em.findOne(Customer, { tenantId, id, deleteTime: null })));
  }

  listCustomers(request: ListCustomersRequest): Promise<ListCustomersResponse> {
    return listCustomers(this.em, this.pageTokenKey, request);
  }

  async batchGetCustomers(request: BatchGetCustomersRequest): Promise<BatchGetCustomersResponse> {
    const { tenantId } = currentCaller();
    const ids = [...new Set(request.ids)];
    const rows = await this.em.find(Customer, { tenantId, id: { $in: ids }, deleteTime: null });
    const byId = new Map(rows.map((row) => [row.id, customerMessage(row)]));
    return {
      customers: ids.flatMap((id) => byId.get(id) ?? []),
      missingIds: ids.filter((id) => !byId.has(id)),
    };
  }

  async createCustomer(request: CreateCustomerRequest): Promise<CustomerMessage> {
    const wanted = checkedCustomer(sent(request));
    return this.#write(CustomersServiceService.createCustomer, request, async (em) => {
      await checkCompany(em, wanted);
      const customer = addCustomer(em, wanted);
      await em.flush();
      await claimUniqueValues(em, owned(customer.id, uniqueValues(wanted)), customerField);
      return customerMessage(customer);
    });
  }

  async updateCustomer(request: UpdateCustomerRequest): Promise<CustomerMessage> {
    const changes = sent(request);
    const mask = readUpdateMask(request.updateMask);
    return this.#write(CustomersServiceService.updateCustomer, request, async (em) => {
      const customer = live(await findForChange(em, request.id));
      checkEtag(request.etag, customer.version);
      const before = customerMessage(customer);
      const after = applyUpdate(before, changes, mask);
      if (after.companyId !== before.companyId) await checkCompany(em, after);
      changeCustomer(em, customer, after);
      await em.flush();
      const [had, has] = [uniqueValues(before), uniqueValues(after)];
      await releaseUniqueValues(em, owned(customer.id, without(had, has)));
      await claimUniqueValues(em, owned(customer.id, without(has, had)), customerField);
      return customerMessage(customer);
    });
  }

  async deleteCustomer(request: DeleteCustomerRequest): Promise<CustomerMessage> {
    return this.#write(CustomersServiceService.deleteCustomer, request, async (em) => {
      const customer = live(await findForChange(em, request.id));
      checkEtag(request.etag, customer.version);
      markDeleted(em, customer);
      await em.flush();
      const deleted = customerMessage(customer);
      await releaseUniqueValues(em, owned(customer.id, uniqueValues(deleted)));
      return deleted;
    });
  }

  async undeleteCustomer(request: UndeleteCustomerRequest): Promise<CustomerMessage> {
    return this.#write(CustomersServiceService.undeleteCustomer, request, async (em) => {
      const customer = await findForChange(em, request.id);
      if (!customer.deleteTime) {
        throw new AppError('FAILED_PRECONDITION', 'CUSTOMER_NOT_DELETED', 'The customer is not deleted.');
      }
      checkEtag(request.etag, customer.version);
      em.assign(customer, { ...nextVersion(customer), deleteTime: null });
      await em.flush();
      const undeleted = customerMessage(customer);
      await claimUniqueValues(em, owned(customer.id, uniqueValues(undeleted)), () => 'id');
      return undeleted;
    });
  }

  batchCreateCustomers(request: BatchCreateCustomersRequest): Promise<BatchCreateCustomersResponse> {
    const method = CustomersServiceService.batchCreateCustomers;
    return this.#write(method, request, (em) => createBatch(em, request.batch));
  }

  batchUpdateCustomers(request: BatchUpdateCustomersRequest): Promise<BatchUpdateCustomersResponse> {
    const method = CustomersServiceService.batchUpdateCustomers;
    return this.#write(method, request, (em) => updateBatch(em, request.batch));
  }

  batchDeleteCustomers(request: BatchDeleteCustomersRequest): Promise<BatchDeleteCustomersResponse> {
    const method = CustomersServiceService.batchDeleteCustomers;
    return this.#write(method, request, (em) => deleteBatch(em, request.batch));
  }

  importCustomers(requests: AsyncIterable<ImportCustomersRequest>): Promise<ImportCustomersResponse> {
    return importCustomers(this.em, requests);
  }

  #write<Request extends { requestId?: string | undefined }, Response>(
    method: {
      path: string;
      requestSerialize: (request: Request) => Buffer;
      responseSerialize: (response: Response) => Buffer;
      responseDeserialize: (bytes: Buffer) => Response;
    },
    request: Request,
    work: (em: EntityManager) => Promise<Response>,
  ): Promise<Response> {
    const call = {
      method: method.path,
      requestId: request.requestId,
      request: method.requestSerialize({ ...request, requestId: undefined }),
      encode: method.responseSerialize,
      decode: (bytes: Uint8Array) => method.responseDeserialize(Buffer.from(bytes)),
    };
    return writeOnce(this.em, call, work);
  }
}

/** The customer, live or deleted, with its row locked: of two editors with one etag the second meets the new version. */
async function findForChange(em: EntityManager, id: string): Promise<Customer> {
  const { tenantId } = currentCaller();
  return found(await em.findOne(Customer, { tenantId, id }, { lockMode: LockMode.PESSIMISTIC_WRITE }));
}

function found(customer: Customer | null): Customer {
  if (customer) return customer;
  throw notFound();
}

/** The lock keeps the company live until the person that points to it is there. */
async function checkCompany(em: EntityManager, { companyId }: CustomerMessage): Promise<void> {
  if (companyId === undefined) return;
  const { tenantId } = currentCaller();
  const company = await em.findOne(
    Customer,
    { tenantId, id: companyId, kind: 'COMPANY', deleteTime: null },
    { lockMode: LockMode.PESSIMISTIC_READ },
  );
  if (company) return;
  throw companyNotFound();
}

function owned(customerId: string, values: UniqueValue[]): OwnedValue[] {
  return values.map((value) => ({ ...value, customerId }));
}
