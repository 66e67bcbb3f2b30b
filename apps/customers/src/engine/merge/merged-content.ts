import { LifecycleStage, type Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { CustomFields } from '../fields/custom-fields.js';
import { valueText } from '../records/claim-unique-values.js';
import { type ListField, itemKeys, listFields } from '../records/customers/customer-lists.js';
import { customerType } from '../records/customers/customer-type.js';
import { uniqueValues } from '../records/unique-values.js';

export const singleFields = [
  'displayName',
  'givenName',
  'familyName',
  'jobTitle',
  'ownerId',
  'ownerTeamId',
  'source',
  'birthDate',
  'companyId',
  'companyName',
] as const satisfies (keyof Customer)[];

/** The fields of a customer that a merge combines. Both customers have the same kind. */
export type Content = Pick<
  Customer,
  'kind' | (typeof singleFields)[number] | ListField | 'lifecycleStage' | 'lifecycleStageTime' | 'customFields'
>;

export function contentOf(customer: Customer): Content {
  const { kind, lifecycleStage, lifecycleStageTime, customFields } = customer;
  const fields = [...singleFields, ...listFields].map((field) => [field, customer[field]]);
  return { kind, lifecycleStage, lifecycleStageTime, customFields, ...Object.fromEntries(fields) } as Content;
}

/**
 * Merges the content of two customers: fills the fields that the surviving customer lacks, and unites all lists. Pure.
 *
 * Of two items with the same key, such as external ids of one system, the surviving customer's item wins. A derived
 * display name is derived again. The lifecycle stage CUSTOMER ranks above FORMER_CUSTOMER.
 *
 * @param preferred names of fields, such as `jobTitle` or `customFields.plan`, in which the merged customer wins
 */
export function unite(stays: Content, merged: Content, preferred: ReadonlySet<string>): Content {
  const inOrder = (field: string) => (preferred.has(field) ? [merged, stays] : [stays, merged]);
  const united: Content = { ...stays };
  for (const field of singleFields) {
    united[field] = inOrder(field)
      .map((content) => content[field])
      .find((value) => value !== undefined);
  }
  for (const field of listFields) {
    const [first = [], second = []] = inOrder(field).map((content): unknown[] => content[field]);
    Object.assign(united, { [field]: unitedItems(first, second, itemKeys[field] as (item: unknown) => string) });
  }
  Object.assign(united, unitedStage(stays, merged, preferred.has('lifecycleStage')));
  united.customFields = unitedCustomFields(stays.customFields, merged.customFields, preferred);
  if (!preferred.has('displayName') && isComposed(stays)) united.displayName = composedName(united, merged);
  return united;
}

type Stage = Pick<Content, 'lifecycleStage' | 'lifecycleStageTime'>;

function unitedStage(stays: Stage, merged: Stage, prefersMerged: boolean): Stage {
  const takesMerged =
    merged.lifecycleStage !== LifecycleStage.UNSPECIFIED &&
    (prefersMerged || stageRank(merged.lifecycleStage) > stageRank(stays.lifecycleStage));
  const { lifecycleStage, lifecycleStageTime } = takesMerged ? merged : stays;
  return { lifecycleStage, lifecycleStageTime };
}

function stageRank(stage: LifecycleStage): number {
  // A person that is a customer in one of the two records is a customer.
  return stage === LifecycleStage.CUSTOMER ? LifecycleStage.FORMER_CUSTOMER + 1 : stage;
}

function unitedCustomFields(
  stays: Content['customFields'],
  merged: Content['customFields'],
  preferred: ReadonlySet<string>,
): Content['customFields'] {
  if (preferred.has('customFields')) return stays || merged ? { ...stays, ...merged } : undefined;
  const united: Record<string, unknown> = { ...merged, ...stays };
  for (const [key, value] of Object.entries<unknown>(merged ?? {})) {
    if (preferred.has(`customFields.${key}`)) united[key] = value;
  }
  return Object.keys(united).length > 0 ? united : undefined;
}

function isComposed(content: Content): boolean {
  return content.displayName === composedOf(content);
}

/** A given name wins over an e-mail address. */
function composedName(united: Content, merged: Content): string | undefined {
  const hasNames = united.givenName !== undefined || united.familyName !== undefined;
  return hasNames || isComposed(merged) ? composedOf(united) : merged.displayName;
}

/** The display name that normalization derives when none is given. */
function composedOf(content: Content): string | undefined {
  const unnamed = { ...customerType().empty(), ...content, displayName: undefined, customFields: undefined };
  return customerType().definition.normalise(unnamed, new CustomFields([])).record.displayName;
}

/** All items of the first list, duplicates included, and the items of the second whose keys it lacks. */
function unitedItems(first: unknown[], second: unknown[], key: (item: unknown) => string): unknown[] {
  const keys = new Set(first.map(key));
  return [...first, ...second.filter((item) => !keys.has(key(item)))];
}

/** The unique value of a list item in the form of `valueText`; undefined for a list without unique items. */
export function uniqueItemText<Field extends ListField>(
  field: Field,
  item: Customer[Field][number],
): string | undefined {
  const empty: Pick<Customer, 'emails' | 'domains' | 'externalIds'> = { emails: [], domains: [], externalIds: [] };
  const [value] = uniqueValues(customerType(), { ...empty, [field]: [item] } as unknown as Customer);
  return value && valueText(value);
}
