import { Controller } from '@nestjs/common';
import { EntityManager, LockMode } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import { Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import {
  CustomersServiceService,
  type BatchGetCustomersRequest,
  type BatchGetCustomersResponse,
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
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { applyUpdate, checkedCustomer } from './apply-update.js';
import { claimUniqueValues, releaseUniqueValues } from './claim-unique-values.js';
import { uniqueValues, type UniqueValue } from './customer-keys.js';
import { customerContent, customerMessage } from './customer-message.js';
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
      const { tenantId, principalId } = currentCaller();
      const now = new Date();
      const customer = em.create(Customer, {
        tenantId,
        id: uuidv7(),
        ...customerContent(tenantId, wanted),
        version: 1,
        createTime: now,
        updateTime: now,
        createdBy: principalId,
        updatedBy: principalId,
      });
      await em.flush();
      await claimUniqueValues(em, customer.id, uniqueValues(wanted), customerField);
      return customerMessage(customer);
    });
  }

  async updateCustomer(request: UpdateCustomerRequest): Promise<CustomerMessage> {
    const changes = sent(request);
    const mask = readUpdateMask(request.updateMask);
    return this.#write(CustomersServiceService.updateCustomer, request, async (em) => {
      const customer = await findForChange(em, request.id);
      if (customer.deleteTime) throw notFound();
      checkEtag(request.etag, customer.version);
      const before = customerMessage(customer);
      const after = applyUpdate(before, changes, mask);
      if (isSame(before, after)) return before;
      if (after.companyId !== before.companyId) await checkCompany(em, after);
      em.assign(customer, { ...customerContent(customer.tenantId, after), ...nextVersion(customer) });
      await em.flush();
      const [had, has] = [uniqueValues(before), uniqueValues(after)];
      await releaseUniqueValues(em, customer.id, without(had, has));
      await claimUniqueValues(em, customer.id, without(has, had), customerField);
      return customerMessage(customer);
    });
  }

  async deleteCustomer(request: DeleteCustomerRequest): Promise<CustomerMessage> {
    return this.#write(CustomersServiceService.deleteCustomer, request, async (em) => {
      const customer = await findForChange(em, request.id);
      if (customer.deleteTime) throw notFound();
      checkEtag(request.etag, customer.version);
      const change = nextVersion(customer);
      em.assign(customer, { ...change, deleteTime: change.updateTime });
      await em.flush();
      const deleted = customerMessage(customer);
      await releaseUniqueValues(em, customer.id, uniqueValues(deleted));
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
      const live = customerMessage(customer);
      await claimUniqueValues(em, customer.id, uniqueValues(live), () => 'id');
      return live;
    });
  }

  importCustomers(requests: AsyncIterable<ImportCustomersRequest>): Promise<ImportCustomersResponse> {
    return importCustomers(this.em, requests);
  }

  #write<Request extends { requestId?: string | undefined }>(
    { path, requestSerialize }: { path: string; requestSerialize: (request: Request) => Buffer },
    request: Request,
    work: (em: EntityManager) => Promise<CustomerMessage>,
  ): Promise<CustomerMessage> {
    const call = {
      method: path,
      requestId: request.requestId,
      request: requestSerialize({ ...request, requestId: undefined }),
      encode: (answer: CustomerMessage) => CustomerMessage.encode(answer).finish(),
      decode: (bytes: Uint8Array) => CustomerMessage.decode(bytes),
    };
    return writeOnce(this.em, call, work);
  }
}

function sent({ customer }: { customer: CustomerMessage | undefined }): CustomerMessage {
  if (customer) return customer;
  throw invalidArgument([{ field: 'customer', reason: 'REQUIRED', description: 'is required' }]);
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

function notFound(): AppError {
  return new AppError('NOT_FOUND', 'CUSTOMER_NOT_FOUND', 'There is no such customer.');
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
  const description = 'must be the id of a live customer of kind COMPANY';
  throw invalidArgument([{ field: 'customer.companyId', reason: 'COMPANY_NOT_FOUND', description }]);
}

function nextVersion({ version }: Customer): Pick<Customer, 'version' | 'updateTime' | 'updatedBy'> {
  return { version: version + 1, updateTime: new Date(), updatedBy: currentCaller().principalId };
}

function isSame(one: CustomerMessage, other: CustomerMessage): boolean {
  return Buffer.from(CustomerMessage.encode(one).finish()).equals(CustomerMessage.encode(other).finish());
}

function customerField({ path }: UniqueValue): string {
  return `customer.${path}`;
}

function without(values: UniqueValue[], others: UniqueValue[]): UniqueValue[] {
  return values.filter(({ type, value }) => !others.some((other) => other.type === type && other.value === value));
}
