import { LifecycleStage, type Customer, type PhoneNumber } from '@rapport/contracts/rapport/customers/v1/customer';
import type { MergeOptions, RowMerge } from '../../../engine/import/import-rules.js';
import {
  lacksAddress,
  type ListField,
  listFields,
  replaceLists,
  uniteLists,
} from '../../../engine/records/customers/customer-lists.js';
import { lifecycleViolation } from '../lifecycle-stage.js';
import { composeDisplayName } from '../normalise-customer.js';
import { customers } from '../customers.js';
import { boundLists, mergeCustomValues } from '../../../engine/import/records/merge-values.js';

/** Fields with one value, that of a row or the stored one. */
const singleFields = [
  'givenName',
  'familyName',
  'jobTitle',
  'companyName',
  'companyId',
  'ownerId',
  'ownerTeamId',
  'source',
  'birthDate',
] as const satisfies (keyof Customer)[];

/** The result of applying a normalized row to a stored customer. Applying the same row again changes nothing. */
export function mergeCustomer(before: Customer, row: Customer, options: MergeOptions): RowMerge<Customer> {
  const { fillOnly } = options;
  const value = <Value>(stored: Value | undefined, given: Value | undefined) =>
    fillOnly ? (stored ?? given) : (given ?? stored);
  const { lists, full } = options.replacesLists
    ? { lists: replaceLists(before, row), full: [] }
    : boundedLists(before, row);
  const stage = fillOnly ? undefined : lifecycleViolation(before.lifecycleStage, row.lifecycleStage);
  const customer: Customer = {
    ...before,
    lifecycleStage: stage
      ? before.lifecycleStage
      : (value(known(before.lifecycleStage), known(row.lifecycleStage)) ?? LifecycleStage.UNSPECIFIED),
    customFields: mergeCustomValues(before.customFields, row.customFields, fillOnly),
    ...lists,
  };
  for (const name of singleFields) customer[name] = value(before[name], row[name]);
  customer.displayName = displayName(before, customer, row, options);
  const refused = stage ? [{ violation: stage, value: LifecycleStage[row.lifecycleStage] }] : [];
  return { record: customer, changed: isChanged(before, customer), full, refused };
}

/** Whether a row that replaces and unites would change a customer of its name, as far as a cheap test shows. */
export function lacksValue(customer: Customer, row: Customer): boolean {
  return (
    singleFields.some((name) => row[name] !== undefined && row[name] !== customer[name]) ||
    row.tags.some((tag) => !customer.tags.includes(tag)) ||
    lacksAddress(customer.addresses, row.addresses) ||
    lacksPhone(customer.phones, row.phones)
  );
}

/** A local number depends on a country, except its last digits. */
function lacksPhone(stored: PhoneNumber[], given: PhoneNumber[]): boolean {
  if (given.length === 0) return false;
  const held = stored.map(lastDigits);
  if (held.includes(undefined)) return false;
  return given.map(lastDigits).some((digits) => digits !== undefined && !held.includes(digits));
}

/** Undefined for a text with letters, such as one with an extension, and for a short one. */
function lastDigits({ number }: PhoneNumber): string | undefined {
  return /^[\d ()+./-]+$/.test(number) ? /\d{4}$/.exec(number.replace(/\D/g, ''))?.[0] : undefined;
}

/** Union of lists, cut to the most items of each. */
function boundedLists(before: Customer, row: Customer): { lists: Pick<Customer, ListField>; full: string[] } {
  const lists = uniteLists(before, row);
  return { lists, full: boundLists(customers, before, lists, listFields) };
}

/**
 * A derived display name follows the fields that it is derived from. One that is only an e-mail address or a phone
 * number counts as missing.
 */
function displayName(
  before: Customer,
  merged: Customer,
  row: Customer,
  { fillOnly, keepName, givesName }: MergeOptions,
): string | undefined {
  if (keepName) return before.displayName;
  // Stored data does not show whether a name was given or derived. A name that will look derived after this merge is
  // treated as derived now, or the next import of the row would have a different result.
  const isComposed = [before, merged].some((customer) => before.displayName === composeDisplayName(customer));
  const isMissing = isComposed && before.givenName === undefined && before.familyName === undefined;
  if (givesName && (isMissing || !fillOnly)) return row.displayName;
  return isComposed ? composeDisplayName(merged) : before.displayName;
}

function known(stage: LifecycleStage): LifecycleStage | undefined {
  return stage === LifecycleStage.UNSPECIFIED ? undefined : stage;
}

/** Unchanged lists keep their identity. */
function isChanged(before: Customer, after: Customer): boolean {
  return (Object.keys(after) as (keyof Customer)[]).some((name) => before[name] !== after[name]);
}
