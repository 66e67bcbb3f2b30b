import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { v7 as uuidv7 } from 'uuid';
import { uniqueValues, type UniqueValue } from '../customer-keys.js';
import type { CustomerRecord, CustomerRecords } from './customer-record.js';
import { mergeCustomer } from './merge-customer.js';
import type { PreparedRow } from './prepare-row.js';
import { error, notice, quote, warning, type RowIssue } from './row-issue.js';

export type Outcome = 'created' | 'updated' | 'unchanged' | 'joined' | 'failed';

/**
 * Gives a row to the customer that it is about, or makes it a new one.
 *
 * Which customer that is depends only on keys, which no later row of the file takes away, so that the same file
 * imported again finds the same customers and leaves them as they are.
 */
export function applyRow(row: PreparedRow, records: CustomerRecords): { outcome: Outcome; issues: RowIssue[] } {
  const keys = uniqueValues(row.customer).sort((one, other) => priorities[one.type] - priorities[other.type]);
  const owners = keys.flatMap((key) => records.owner(key) ?? []);
  const otherKind = owners.find(({ customer }) => customer.kind !== row.customer.kind);
  if (otherKind) return { outcome: 'failed', issues: [...row.issues, kindMismatch(otherKind)] };

  const known = owners.find((owner) => !hasOtherId(owner.customer, row.customer));
  const taken = keys.flatMap((key) => {
    const owner = records.owner(key);
    return owner && owner !== known ? [{ key, owner }] : [];
  });
  if (!known && keys.length > 0 && taken.length === keys.length) {
    return { outcome: 'failed', issues: [...row.issues, allTaken(taken[0]?.owner.id)] };
  }
  const issues = [...row.issues, ...taken.map(({ key, owner }) => keyConflict(key, owner))];
  const free = {
    ...row,
    customer: without(
      row.customer,
      taken.map(({ key }) => key),
    ),
  };
  const record = known ?? (keys.length === 0 ? findEqual(free, records) : undefined);
  if (!record) return { outcome: create(free, records), issues };
  const joined = record.met ? [joinedEarlierRow(record)] : [];
  const { outcome, issues: limits } = change(record, free, records);
  return { outcome, issues: [...issues, ...joined, ...limits] };
}

/** The order in which keys decide. */
const priorities: Record<UniqueValue['type'], number> = { EXTERNAL_ID: 0, EMAIL: 1, DOMAIN: 2 };

/** A customer that another system knows by another id is another customer, though they share an e-mail address. */
function hasOtherId(customer: Customer, row: Customer): boolean {
  return row.externalIds.some(({ system, value }) =>
    customer.externalIds.some((other) => other.system === system && other.value !== value),
  );
}

/** A row without any key is about a customer of its name that has all its values already. */
function findEqual(row: PreparedRow, records: CustomerRecords): CustomerRecord | undefined {
  return records
    .namesakes(row.customer.displayName ?? '')
    .find(({ customer }) => customer.kind === row.customer.kind && !merge(customer, row, false, false).changed);
}

function create(row: PreparedRow, records: CustomerRecords): Outcome {
  const id = uuidv7();
  const customer = { ...row.customer, id };
  records.put({ id, stored: undefined, customer, changed: true, met: true, named: row.givesDisplayName });
  return 'created';
}

function change(
  record: CustomerRecord,
  row: PreparedRow,
  records: CustomerRecords,
): { outcome: Outcome; issues: RowIssue[] } {
  const { customer, changed, full } = merge(record.customer, row, record.met, record.named);
  const outcome = record.met ? 'joined' : changed ? 'updated' : 'unchanged';
  record.met = true;
  record.named ||= row.givesDisplayName;
  record.changed ||= changed;
  record.customer = customer;
  records.put(record);
  return { outcome, issues: full.map((list) => listFull(list, record)) };
}

function merge(
  customer: Customer,
  { customer: row, givesDisplayName }: PreparedRow,
  fillOnly: boolean,
  keepName: boolean,
) {
  return mergeCustomer(customer, row, { fillOnly, keepName, givesDisplayName });
}

function without(customer: Customer, taken: UniqueValue[]): Customer {
  if (taken.length === 0) return customer;
  const paths = new Set(taken.map(({ path }) => path));
  return {
    ...customer,
    emails: customer.emails.filter((_, index) => !paths.has(`emails[${index}].address`)),
    domains: customer.domains.filter((_, index) => !paths.has(`domains[${index}]`)),
    externalIds: customer.externalIds.filter((_, index) => !paths.has(`externalIds[${index}].value`)),
  };
}

function kindMismatch({ id, customer }: CustomerRecord): RowIssue {
  const message = `${quote(customer.displayName)}, which the row would change, is of the other kind.`;
  return error('KIND_MISMATCH', message, { field: 'kind', customerId: id });
}

function allTaken(customerId: string | undefined): RowIssue {
  const message = 'All that the row could be known by belongs to customers with other external ids.';
  return error('KEY_CONFLICT', message, { customerId });
}

function keyConflict({ value, path }: UniqueValue, { id }: CustomerRecord): RowIssue {
  return warning('KEY_CONFLICT', `${quote(value)} belongs to another customer and was left out.`, {
    field: path,
    customerId: id,
  });
}

function joinedEarlierRow({ id }: CustomerRecord): RowIssue {
  const message = 'An earlier row is about the same customer; this one only added what was missing.';
  return notice('JOINED_EARLIER_ROW', message, { customerId: id });
}

function listFull(list: string, { id }: CustomerRecord): RowIssue {
  return warning('LIST_FULL', `Not all values were added: the customer has the most ${list} that one may have.`, {
    field: list,
    customerId: id,
  });
}
