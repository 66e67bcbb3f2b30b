import { isDeepStrictEqual } from 'node:util';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { v7 as uuidv7 } from 'uuid';
import { customerType } from '../../records/customers/customer-type.js';
import { uniqueValues, type UniqueValue } from '../../records/unique-values.js';
import { leftOut, type PreparedRow } from '../rows/prepare-row.js';
import { error, notice, quote, warning, type RowIssue } from '../rows/row-issue.js';
import type { ImportRules, MergeOptions, RowMerge } from '../import-rules.js';
import type { CustomerRecord, CustomerRecords } from './customer-record.js';

export type Outcome = 'created' | 'updated' | 'unchanged' | 'joined' | 'failed';

/**
 * Gives a row to the customer that it is about, or makes it a new one: its id decides, else its external ids, else the first
 * of its e-mail addresses and then domains that a customer has.
 *
 * All of this depends only on who has which key, which no later row takes away unless lists are replaced, and a row that is taken
 * leaves none of its external ids without an owner. That is why the same file imported again finds the same customers.
 */
export function applyRow(
  given: PreparedRow,
  records: CustomerRecords,
  rules: ImportRules,
): { outcome: Outcome; issues: RowIssue[] } {
  const own = records.byId(given.customer.id);
  const row = own ? asKept(given, own.customer) : given;
  const keys = uniqueValues(customerType(), row.customer).sort((one, other) => priorityOf(one) - priorityOf(other));
  const owned = keys.flatMap((key) => {
    const owner = records.owner(key);
    return owner ? [{ key, owner }] : [];
  });
  const refusal = refusalOf(row, keys, owned, records);
  if (refusal) return { outcome: 'failed', issues: [...row.issues, refusal] };

  const met = own ?? owned.find(({ owner }) => !hasOtherId(owner.customer, row.customer))?.owner;
  const taken = owned.filter(({ owner }) => owner !== met);
  const free = {
    ...row,
    customer: without(
      row.customer,
      taken.map(({ key }) => key),
    ),
  };
  const issues = [...row.issues, ...taken.map(keyConflict), ...idIssues(row, own)];
  const record = met ?? (keys.length === 0 ? findEqual(row, records, rules) : undefined);
  if (!record) return { outcome: create(free, records), issues };
  if (record.met) issues.push(joinedEarlierRow(row, record));
  const { outcome, full, refused } = change(record, free, records, rules);
  issues.push(...full.map((list) => listFull(list, record)));
  issues.push(...refused.map(({ violation, value }) => ({ ...leftOut(violation, value), customerId: record.id })));
  return { outcome, issues };
}

interface OwnedKey {
  key: UniqueValue;
  owner: CustomerRecord;
}

/** The order in which keys decide. */
const priorities = ['EXTERNAL_ID', 'EMAIL', 'DOMAIN'];

function priorityOf({ type }: UniqueValue): number {
  return priorities.indexOf(type);
}

function refusalOf(
  row: PreparedRow,
  keys: UniqueValue[],
  owned: OwnedKey[],
  records: CustomerRecords,
): RowIssue | undefined {
  const own = records.byId(row.customer.id);
  if (!own && row.unnamed) return row.unnamed;
  return hiddenOwner(keys, records) ?? kindMismatch(row, owned, own) ?? contradiction(row, owned, own);
}

function hiddenOwner(keys: UniqueValue[], records: CustomerRecords): RowIssue | undefined {
  const hidden = keys.find((key) => records.isHidden(key));
  if (!hidden) return undefined;
  return error('KEY_CONFLICT', `${quote(hidden.value)} belongs to another customer.`, { field: hidden.path });
}

/**
 * A row as the customer of its id has what the row may write otherwise: domains with "www.". What is wrong with values that
 * the customer has as they are is nothing new.
 */
function asKept(row: PreparedRow, { domains, ...customer }: Customer): PreparedRow {
  const kept = row.customer.domains.map((domain) =>
    domains.includes(domain) ? domain : (domains.find((own) => own === `www.${domain}`) ?? domain),
  );
  return {
    ...row,
    customer: { ...row.customer, domains: kept },
    issues: row.issues.filter((issue) => !isHeld({ ...customer, domains }, issue)),
  };
}

/** Whether a customer has the value that an issue is about in the same field. */
function isHeld(customer: Customer, { field = '', value }: RowIssue): boolean {
  if (value === undefined) return false;
  const [, name = '', key, part] = /^(\w+)(?:\.(.+)|\[\d+\](?:\.(\w+))?)?$/.exec(field) ?? [];
  const held = (customer as unknown as Record<string, unknown>)[name];
  const values = Array.isArray(held) ? (held as unknown[]) : [held];
  const within = part ?? key;
  return values.some((item) =>
    isDeepStrictEqual(within === undefined ? item : (item as Record<string, unknown> | undefined)?.[within], value),
  );
}

function kindMismatch(row: PreparedRow, owned: OwnedKey[], own: CustomerRecord | undefined): RowIssue | undefined {
  const owners = [...(own ? [own] : []), ...owned.map(({ owner }) => owner)];
  const other = owners.find(({ customer }) => customer.kind !== row.customer.kind);
  if (!other) return undefined;
  const message = `${quote(other.customer.displayName)}, which has the id or a key of the row, is of the other kind.`;
  return error('KIND_MISMATCH', message, { field: 'kind', customerId: other.id });
}

/**
 * External ids that belong to two customers, to another than the id, or to one that has another id in their systems: only
 * people can tell.
 */
function contradiction(row: PreparedRow, owned: OwnedKey[], own: CustomerRecord | undefined): RowIssue | undefined {
  const byId = owned.filter(({ key }) => key.type === 'EXTERNAL_ID');
  const first = own ?? byId[0]?.owner;
  const wrong = byId.find(({ owner }) => owner !== first || (!own && hasOtherId(owner.customer, row.customer)));
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
function findEqual(row: PreparedRow, records: CustomerRecords, rules: ImportRules): CustomerRecord | undefined {
  return records.namesakes(row.customer.displayName ?? '').find(({ customer }) => {
    if (customer.kind !== row.customer.kind || uniqueValues(customerType(), customer).length > 0) return false;
    const united = { ...row, replacesLists: false };
    const { changed, refused } = merge(rules, customer, united, { fillOnly: false, keepName: false });
    return !changed && refused.length === 0;
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
  rules: ImportRules,
): Pick<RowMerge, 'full' | 'refused'> & { outcome: Outcome } {
  const before = record.customer;
  const options = { fillOnly: record.met, keepName: record.named };
  const { customer, changed, full, refused } = merge(rules, before, row, options);
  const outcome = record.met ? 'joined' : changed ? 'updated' : 'unchanged';
  record.met = true;
  record.named ||= row.givesDisplayName;
  record.changed ||= changed;
  record.customer = customer;
  records.put(record, before);
  return { outcome, full, refused };
}

function merge(
  rules: ImportRules,
  customer: Customer,
  { customer: row, givesDisplayName, replacesLists }: PreparedRow,
  { fillOnly, keepName }: Pick<MergeOptions, 'fillOnly' | 'keepName'>,
): RowMerge {
  return rules.merge(customer, row, {
    fillOnly,
    replacesLists: replacesLists === true && !fillOnly,
    keepName,
    givesDisplayName,
  });
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

/** What is to be known of the ids of a row: that its own is none, or external ids that its customer has other ones of. */
function idIssues({ customer, replacesLists }: PreparedRow, own: CustomerRecord | undefined): RowIssue[] {
  if (own) return replacesLists && !own.met ? [] : otherIds(customer, own);
  if (customer.id === '') return [];
  const message = `There is no live customer ${quote(customer.id)}; the row was matched by its other values.`;
  return [notice('ID_NOT_FOUND', message, { field: 'id' })];
}

function otherIds(customer: Customer, { id, customer: own }: CustomerRecord): RowIssue[] {
  return customer.externalIds.flatMap(({ system, value }, index) => {
    const kept = own.externalIds.find((other) => other.system === system)?.value;
    if (kept === undefined || kept === value) return [];
    const message = `${quote(value)} was left out: the customer has the id ${quote(kept)} in the system ${system}.`;
    return [warning('KEY_CONFLICT', message, { field: `externalIds[${index}].value`, customerId: id })];
  });
}

function joinedEarlierRow({ customer }: PreparedRow, { id }: CustomerRecord): RowIssue {
  const message = `An earlier row is about the same customer; ${quote(customer.displayName)} only added what was missing.`;
  return notice('JOINED_EARLIER_ROW', message, { customerId: id });
}

function listFull(list: string, { id }: CustomerRecord): RowIssue {
  return warning('LIST_FULL', `Not all values were added: the customer has the most ${list} that one may have.`, {
    field: list,
    customerId: id,
  });
}
