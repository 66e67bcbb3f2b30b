import { LifecycleStage, type Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { FieldViolation } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { uniqueValues, type UniqueValue } from '../customer-keys.js';
import type { CustomerRecord, CustomerRecords } from './customer-record.js';
import { mergeCustomer, type Merge } from './merge-customer.js';
import type { PreparedRow } from './prepare-row.js';
import { error, notice, quote, warning, type RowIssue } from './row-issue.js';

export type Outcome = 'created' | 'updated' | 'unchanged' | 'joined' | 'failed';

/**
 * Gives a row to the customer that it is about, or makes it a new one: its external ids decide, else the first of its
 * e-mail addresses and then domains that a customer has.
 *
 * All of this depends only on who has which key, which no later row takes away, and a row that is taken leaves none of
 * its external ids without an owner. That is why the same file imported again finds the same customers.
 */
export function applyRow(row: PreparedRow, records: CustomerRecords): { outcome: Outcome; issues: RowIssue[] } {
  const keys = uniqueValues(row.customer).sort((one, other) => priorities[one.type] - priorities[other.type]);
  const owned = keys.flatMap((key) => {
    const owner = records.owner(key);
    return owner ? [{ key, owner }] : [];
  });
  const refusal = hiddenOwner(keys, records) ?? kindMismatch(row, owned) ?? contradiction(row, owned);
  if (refusal) return { outcome: 'failed', issues: [...row.issues, refusal] };

  const met = owned.find(({ owner }) => !hasOtherId(owner.customer, row.customer))?.owner;
  const taken = owned.filter(({ owner }) => owner !== met);
  const free = {
    ...row,
    customer: without(
      row.customer,
      taken.map(({ key }) => key),
    ),
  };
  const issues = [...row.issues, ...taken.map(keyConflict)];
  const record = met ?? (keys.length === 0 ? findEqual(row, records) : undefined);
  if (!record) return { outcome: create(free, records), issues };
  if (record.met) issues.push(joinedEarlierRow(row, record));
  const { outcome, full, stage } = change(record, free, records);
  issues.push(...full.map((list) => listFull(list, record)));
  if (stage) issues.push(stageKept(stage, row, record));
  return { outcome, issues };
}

interface OwnedKey {
  key: UniqueValue;
  owner: CustomerRecord;
}

/** The order in which keys decide. */
const priorities: Record<UniqueValue['type'], number> = { EXTERNAL_ID: 0, EMAIL: 1, DOMAIN: 2 };

function hiddenOwner(keys: UniqueValue[], records: CustomerRecords): RowIssue | undefined {
  const hidden = keys.find((key) => records.isHidden(key));
  if (!hidden) return undefined;
  return error('KEY_CONFLICT', `${quote(hidden.value)} belongs to another customer.`, { field: hidden.path });
}

function kindMismatch(row: PreparedRow, owned: OwnedKey[]): RowIssue | undefined {
  const other = owned.find(({ owner }) => owner.customer.kind !== row.customer.kind)?.owner;
  if (!other) return undefined;
  const message = `${quote(other.customer.displayName)}, which has a key of the row, is of the other kind.`;
  return error('KIND_MISMATCH', message, { field: 'kind', customerId: other.id });
}

/** External ids that belong to two customers, or to one that has another id in their systems: only people can tell. */
function contradiction(row: PreparedRow, owned: OwnedKey[]): RowIssue | undefined {
  const byId = owned.filter(({ key }) => key.type === 'EXTERNAL_ID');
  const wrong = byId.find(({ owner }) => owner !== byId[0]?.owner || hasOtherId(owner.customer, row.customer));
  if (!wrong) return undefined;
  const message = `The external ids of the row contradict those of ${quote(wrong.owner.customer.displayName)}.`;
  return error('KEY_CONFLICT', message, { field: wrong.key.path, customerId: wrong.owner.id });
}

/** A customer that another system knows by another id is another customer, though they share an e-mail address. */
function hasOtherId(customer: Customer, row: Customer): boolean {
  return row.externalIds.some(({ system, value }) =>
    customer.externalIds.some((other) => other.system === system && other.value !== value),
  );
}

/**
 * A row without any key is about a customer without any that has all its values already. One that has keys may get
 * another name from a later row, and would then not be found again.
 */
function findEqual(row: PreparedRow, records: CustomerRecords): CustomerRecord | undefined {
  return records.namesakes(row.customer.displayName ?? '').find(({ customer }) => {
    if (customer.kind !== row.customer.kind || uniqueValues(customer).length > 0) return false;
    const { changed, stage } = merge(customer, row, false, false);
    return !changed && !stage;
  });
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
): Pick<Merge, 'full' | 'stage'> & { outcome: Outcome } {
  const { customer, changed, full, stage } = merge(record.customer, row, record.met, record.named);
  const outcome = record.met ? 'joined' : changed ? 'updated' : 'unchanged';
  record.met = true;
  record.named ||= row.givesDisplayName;
  record.changed ||= changed;
  record.customer = customer;
  records.put(record);
  return { outcome, full, stage };
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

function keyConflict({ key, owner }: OwnedKey): RowIssue {
  const message = `${quote(key.value)} belongs to another customer and was left out.`;
  return warning('KEY_CONFLICT', message, { field: key.path, customerId: owner.id });
}

function joinedEarlierRow({ customer }: PreparedRow, { id }: CustomerRecord): RowIssue {
  const message = `An earlier row is about the same customer; ${quote(customer.displayName)} only added what was missing.`;
  return notice('JOINED_EARLIER_ROW', message, { customerId: id });
}

function stageKept({ reason, description, field }: FieldViolation, row: PreparedRow, { id }: CustomerRecord): RowIssue {
  const message = `${quote(LifecycleStage[row.customer.lifecycleStage])} was left out: ${description}`;
  return warning(reason, message, { field, customerId: id });
}

function listFull(list: string, { id }: CustomerRecord): RowIssue {
  return warning('LIST_FULL', `Not all values were added: the customer has the most ${list} that one may have.`, {
    field: list,
    customerId: id,
  });
}
