import { CustomerKind, type Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import {
  ListMode,
  UpsertMatch,
  type UpsertCustomerRequest,
  type UpsertCustomerResponse,
} from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { StatementTransaction } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument, type FieldViolation } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { ownersOf, takenError, type OwnedValue, type OwnerRow } from '../records/claim-unique-values.js';
import { customerField, live, sent } from '../records/customer-changes.js';
import {
  externalIdKey,
  listFields,
  uniqueValues,
  uniteLists,
  type ListField,
  type UniqueValue,
} from '../records/customer-keys.js';
import { messagesOfRows, type CustomerRow } from '../records/customer-row.js';
import { lockCustomers } from '../records/customer-statements.js';
import { CustomFields, type Definition } from '../fields/custom-fields.js';
import { normaliseCustomer, type NormalisedCustomer } from '../../domain/customers/normalise-customer.js';
import { presentFields } from '../records/update-mask.js';
import { maxItems } from './customer-rules.js';
import { changeCustomer, createCustomer } from './write-customer.js';

/** How often a value may change hands while one looks whose it is. */
const maxAttempts = 5;

/**
 * Answers UpsertCustomer. Whoever claims the value first creates the customer; all others wait for that claim to be
 * committed, and then find its owner.
 */
export async function upsertCustomer(
  transaction: StatementTransaction,
  request: UpsertCustomerRequest,
): Promise<UpsertCustomerResponse> {
  const wanted = sent(request);
  // What is matched by does not depend on custom fields: whether those are right, creating or updating tells.
  const normalised = normaliseCustomer({ ...wanted, customFields: undefined }, new CustomFields([]));
  const value = matchedValue(request, normalised.customer);
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const claim = { ...value, customerId: uuidv7() };
    const [isFirst, owner] = await claimFirst(transaction, claim);
    if (isFirst) return { customer: await createCustomer(transaction, request, claim), created: true };
    if (owner === undefined) continue;
    if (owner === null) throw takenError([value], null, customerField);
    const [customer, customFields] = await lockedOwner(transaction, owner, value);
    if (!customer) continue;
    checkKind(customer, wanted);
    const isReplacing = request.listMode === ListMode.REPLACE;
    const changes = isReplacing ? wanted : { ...wanted, ...unitedLists(customer, normalised) };
    const updated = await changeCustomer(transaction, live(customer), customFields, {
      changes,
      mask: presentFields(wanted),
      fieldOf: (claimed) => customerField(sentValue(claimed, normalised.customer)),
    });
    return { customer: updated, created: false };
  }
  throw concurrentWrite();
}

function concurrentWrite(): AppError {
  return new AppError('ABORTED', 'CONCURRENT_WRITE', 'Another write was in the way. Try again.', {
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
 *
 * @returns whether it was claimed, and the id of the customer that has the value, null when the caller does not see that one
 */
async function claimFirst(
  transaction: StatementTransaction,
  { type, value, plainValue, customerId, path }: OwnedValue,
): Promise<[claimed: boolean, owner: string | null | undefined]> {
  const [, claimed = [], owners = []] = await transaction.run(
    { name: 'defer_customer_key', sql: 'set constraints customer_key_customer deferred' },
    {
      name: 'claim_first',
      sql: `insert into customer_key (tenant_id, type, value, customer_id) values ($1, $2, $3, $4)
        on conflict (tenant_id, type, value) do nothing returning customer_id`,
      values: [currentCaller().tenantId, type, value, customerId],
    },
    // A statement of its own: it sees what the transaction that was waited for has committed.
    ownersOf([{ type, value, plainValue, path }]),
  );
  const isFirst = claimed.length > 0;
  const owner = (owners as OwnerRow[]).find(({ stored }) => !isFirst || stored !== value)?.customer_id;
  // Of a customer that is not sealed yet the value is stored as it is, which does not keep others from claiming it.
  if (isFirst && owner !== undefined) throw concurrentWrite();
  return [isFirst, owner];
}

/** The customer that has the value, locked; undefined when the value has gone or changed hands meanwhile. */
async function lockedOwner(
  transaction: StatementTransaction,
  owner: string,
  value: UniqueValue,
): Promise<[customer: CustomerMessage | undefined, customFields: CustomFields]> {
  const [locked = [], owners = [], definitions = []] = await transaction.run(
    lockCustomers([owner]),
    ownersOf([value]),
    CustomFields.statement(),
  );
  const isOwner = (owners as OwnerRow[])[0]?.customer_id === owner;
  const [customer] = isOwner ? await messagesOfRows(locked as CustomerRow[]) : [];
  return [customer, new CustomFields(definitions as Definition[])];
}

function checkKind(owner: CustomerMessage, wanted: CustomerMessage): void {
  if (owner.kind === wanted.kind) return;
  const description = `must be ${CustomerKind[owner.kind]}, the kind of the customer that has the value to match`;
  throw invalidArgument([{ field: 'customer.kind', reason: 'KIND_MISMATCH', description }]);
}

/**
 * The lists of the customer that was met with those of the request.
 *
 * @throws AppError INVALID_ARGUMENT for items that are wrong, and TOO_MANY_ITEMS
 * @throws AppError ALREADY_EXISTS EXTERNAL_ID_DIFFERS
 */
function unitedLists(
  owner: CustomerMessage,
  { customer, violations }: NormalisedCustomer,
): Pick<CustomerMessage, ListField> {
  // By their places in the request, not in what comes of it.
  const wrong = violations.filter(({ field }) => listFields.some((list) => field.startsWith(`${list}[`)));
  refuse(wrong);
  checkExternalIds(owner, customer);
  const lists = uniteLists(owner, customer);
  const tooLong = listFields.filter((list) => lists[list].length > Math.max(maxItems[list], owner[list].length));
  refuse(
    tooLong.map((list) => ({
      field: list,
      reason: 'TOO_MANY_ITEMS',
      description: `must leave the customer with at most ${maxItems[list]} items: it has ${owner[list].length}`,
    })),
  );
  return lists;
}

function refuse(violations: FieldViolation[]): void {
  if (violations.length === 0) return;
  throw invalidArgument(violations.map(({ field, ...rest }) => ({ field: `customer.${field}`, ...rest })));
}

/** Whom another system knows by another id may be somebody else: neither id may be lost without being asked for. */
function checkExternalIds(owner: CustomerMessage, wanted: CustomerMessage): void {
  const violations = wanted.externalIds.flatMap(({ system, value }, index): FieldViolation[] => {
    const stored = owner.externalIds.find((id) => id.system === system);
    if (!stored || stored.value === value) return [];
    const description = `must be the id that the customer has in the system ${system}, unless listMode is REPLACE`;
    return [{ field: `customer.externalIds[${index}].value`, reason: 'EXTERNAL_ID_DIFFERS', description }];
  });
  if (violations.length === 0) return;
  const message = 'The customer that was met has another id in the same system.';
  const metadata = { customerId: owner.id };
  throw new AppError('ALREADY_EXISTS', 'EXTERNAL_ID_DIFFERS', message, { violations, metadata });
}

/** A unique value by its place in the request. */
function sentValue(claimed: UniqueValue, wanted: CustomerMessage): UniqueValue {
  const isSame = ({ type, value }: UniqueValue) => type === claimed.type && value === claimed.value;
  return uniqueValues(wanted).find(isSame) ?? claimed;
}
