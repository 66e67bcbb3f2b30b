import { LifecycleStage, type Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { MergeOptions, RowMerge } from '../../../engine/import/import-rules.js';
import {
  type ListField,
  listFields,
  replaceLists,
  uniteLists,
} from '../../../engine/records/customers/customer-lists.js';
import { lifecycleViolation } from '../lifecycle-stage.js';
import { composeDisplayName } from '../normalise-customer.js';
import { customers } from '../customers.js';
import { boundLists, mergeCustomValues } from '../../../engine/import/records/merge-values.js';

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
    givenName: value(before.givenName, row.givenName),
    familyName: value(before.familyName, row.familyName),
    jobTitle: value(before.jobTitle, row.jobTitle),
    companyName: value(before.companyName, row.companyName),
    companyId: value(before.companyId, row.companyId),
    lifecycleStage: stage
      ? before.lifecycleStage
      : (value(known(before.lifecycleStage), known(row.lifecycleStage)) ?? LifecycleStage.UNSPECIFIED),
    ownerId: value(before.ownerId, row.ownerId),
    ownerTeamId: value(before.ownerTeamId, row.ownerTeamId),
    source: value(before.source, row.source),
    birthDate: value(before.birthDate, row.birthDate),
    customFields: mergeCustomValues(before.customFields, row.customFields, fillOnly),
    ...lists,
  };
  customer.displayName = displayName(before, customer, row, options);
  const refused = stage ? [{ violation: stage, value: LifecycleStage[row.lifecycleStage] }] : [];
  return { record: customer, changed: isChanged(before, customer), full, refused };
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
