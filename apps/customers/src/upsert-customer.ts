import type { EntityManager } from '@mikro-orm/postgresql';
import { CustomerKind, type Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import {
  UpsertMatch,
  type UpsertCustomerRequest,
  type UpsertCustomerResponse,
} from '@rapport/contracts/rapport/customers/v1/customers_service';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import type { OwnedValue } from './claim-unique-values.js';
import { sent } from './customer-changes.js';
import { externalIdKey, uniqueValues, type UniqueValue } from './customer-keys.js';
import { CustomFields } from './custom-fields/custom-fields.js';
import { normaliseCustomer } from './normalise-customer.js';
import { presentFields } from './update-mask.js';
import { createCustomer, findForChange, updateCustomer } from './write-customer.js';

/** How often a value may change hands while one looks whose it is. */
const maxAttempts = 5;

/**
 * Answers UpsertCustomer. Whoever claims the value first creates the customer; all others wait for that claim to be
 * committed, and then find its owner.
 */
export async function upsertCustomer(
  em: EntityManager,
  request: UpsertCustomerRequest,
): Promise<UpsertCustomerResponse> {
  const wanted = sent(request);
  const { customer: normalised } = normaliseCustomer(wanted, await CustomFields.load(em));
  const value = matchedValue(request, normalised);
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const claim = { ...value, customerId: uuidv7() };
    if (await claimFirst(em, claim)) return { customer: await createCustomer(em, request, claim), created: true };
    const ownerId = await lockedOwner(em, value);
    if (ownerId !== undefined) return { customer: await updateOwner(em, ownerId, wanted), created: false };
  }
  throw new AppError('ABORTED', 'CONCURRENT_WRITE', 'Another write was in the way. Try again.', {
    retryAfterSeconds: 1,
  });
}

/** @throws AppError INVALID_ARGUMENT when the customer does not have what is to be matched */
function matchedValue({ match, matchSystem }: UpsertCustomerRequest, customer: CustomerMessage): UniqueValue {
  const values = uniqueValues(customer);
  const matched = (value: UniqueValue | undefined, field: string, description: string): UniqueValue => {
    if (value) return value;
    throw invalidArgument([{ field, reason: 'REQUIRED', description }]);
  };
  switch (match) {
    case UpsertMatch.EMAIL: {
      const email = values.find(({ type }) => type === 'EMAIL');
      return matched(email, 'customer.emails', 'must have the e-mail address to match');
    }
    case UpsertMatch.DOMAIN: {
      const domain = values.find(({ type }) => type === 'DOMAIN');
      return matched(domain, 'customer.domains', 'must have the domain to match');
    }
    case UpsertMatch.EXTERNAL_ID: {
      if (matchSystem === undefined) {
        const description = 'must be the system of the external id to match';
        throw invalidArgument([{ field: 'matchSystem', reason: 'REQUIRED', description }]);
      }
      const prefix = externalIdKey(matchSystem, '');
      const id = values.find(({ type, value }) => type === 'EXTERNAL_ID' && value.startsWith(prefix));
      return matched(id, 'customer.externalIds', `must have an external id of the system ${matchSystem}`);
    }
    // Enums of proto3 are open: a caller of a later release may send a number that this one does not know.
    default:
      throw invalidArgument([
        { field: 'match', reason: 'UNKNOWN_VALUE', description: 'must be EMAIL, DOMAIN or EXTERNAL_ID' },
      ]);
  }
}

/**
 * Claims the value for a customer that is not there yet: the check of that ends with the transaction. Waits for a running
 * transaction that claims the same. False when the value has an owner; that row is not locked, since a delete takes the
 * customer first and its values then.
 */
async function claimFirst(em: EntityManager, { type, value, customerId }: OwnedValue): Promise<boolean> {
  await em.execute('set constraints customer_key_customer deferred');
  const claimed = await em.execute<unknown[]>(
    `insert into customer_key (tenant_id, type, value, customer_id) values (?, ?, ?, ?)
     on conflict (tenant_id, type, value) do nothing returning customer_id`,
    [currentCaller().tenantId, type, value, customerId],
  );
  return claimed.length > 0;
}

/** The customer that has the value, locked; undefined when the value has gone or changed hands meanwhile. */
async function lockedOwner(em: EntityManager, value: UniqueValue): Promise<string | undefined> {
  const owner = await ownerOf(em, value);
  if (owner === undefined) return undefined;
  await findForChange(em, owner);
  return (await ownerOf(em, value)) === owner ? owner : undefined;
}

async function ownerOf(em: EntityManager, { type, value }: UniqueValue): Promise<string | undefined> {
  const [row] = await em.execute<{ customer_id: string }[]>(
    'select customer_id from customer_key where tenant_id = ? and type = ? and value = ?',
    [currentCaller().tenantId, type, value],
  );
  return row?.customer_id;
}

async function updateOwner(em: EntityManager, id: string, customer: CustomerMessage): Promise<CustomerMessage> {
  const { kind } = await findForChange(em, id);
  if (kind !== CustomerKind[customer.kind]) {
    const description = `must be ${kind}, the kind of the customer that has the value to match`;
    throw invalidArgument([{ field: 'customer.kind', reason: 'KIND_MISMATCH', description }]);
  }
  return updateCustomer(em, { id, customer, updateMask: presentFields(customer), etag: undefined });
}
