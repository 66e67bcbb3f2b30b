import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { ImportIssue_Severity as Severity } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { FieldViolation } from '@rapport/platform';
import type { CustomFields } from '../../fields/custom-fields.js';
import { customerType } from '../../records/customers/customer-type.js';
import { uniqueValues } from '../../records/unique-values.js';
import { fieldViolations } from '../../write/record-rules.js';
import { leaveOut } from '../records/leave-out.js';
import type { ImportRules, MappedRow } from '../import-rules.js';
import type { RowDefaults } from './row-defaults.js';
import { error, quote, warning, type RowIssue } from './row-issue.js';

/** What a row says of a customer, checked and normalised. */
export interface PreparedRow {
  customer: Customer;
  /** Whether the display name is the row's own, not composed of its other values. */
  givesDisplayName: boolean;
  /** Whether its lists replace those of the customer that it meets first. Otherwise they are united. */
  replacesLists?: boolean | undefined;
  issues: RowIssue[];
  /** Why it is refused unless its id is that of a customer: it has nothing to name one by. */
  unnamed?: RowIssue | undefined;
}

/** Stands in for the display name of a row that has none, until the customer of its id is found. */
const placeholder = '-';

/** Each round takes out all values that the one before could see to be wrong. */
const maxRounds = 5;

/**
 * Makes a customer of a mapped row. A wrong value is left out with a WARNING, so that the rest is not lost; but when it
 * was all that the row could be known by, the row is refused: a corrected file would create its customer once more.
 *
 * @returns the issues that refuse the row, one of them an ERROR, when there is no customer in it
 */
export function prepareRow(
  rules: ImportRules,
  { customer, issues }: MappedRow,
  customFields: CustomFields,
  { country, replacesLists }: Pick<RowDefaults, 'country' | 'replacesLists'>,
): PreparedRow | { refused: RowIssue[] } {
  if (issues.some(({ severity }) => severity === Severity.ERROR)) return { refused: issues };
  let lostKey: RowIssue | undefined;
  let unnamed: RowIssue | undefined;
  for (let round = 0; round < maxRounds; round += 1) {
    const wrongFields = fieldViolations(customerType(), customer);
    const normalised = wrongFields.length === 0 ? rules.normalise(customer, customFields, country) : undefined;
    const violations = normalised?.violations ?? wrongFields;
    if (violations.some(isNameMissing)) {
      unnamed = nameMissing(violations);
      if (customer.id === '') return { refused: [...issues, unnamed] };
      customer.displayName = placeholder;
    } else if (normalised && violations.length === 0) {
      if (lostKey && isUnknown(normalised.customer)) return { refused: withError(issues, lostKey) };
      issues.push(...normalised.issues);
      const givesDisplayName = customer.displayName !== undefined && !unnamed;
      return { customer: normalised.customer, givesDisplayName, replacesLists, issues, unnamed };
    } else {
      const left = leaveOut(customer, violations).map(({ violation, value }) => leftOut(violation, value));
      issues.push(...left);
      lostKey ??= left.find((_, index) => isKey(violations[index]));
    }
  }
  return { refused: [...issues, error('ROW_INVALID', 'The row has more wrong values than can be listed.')] };
}

function isNameMissing({ field, reason }: FieldViolation): boolean {
  return field === 'displayName' && reason === 'REQUIRED';
}

function nameMissing(violations: FieldViolation[]): RowIssue {
  const description = violations.find(isNameMissing)?.description ?? '';
  return error('NAME_MISSING', `The row names nobody: ${description}.`, { field: 'displayName' });
}

/** A value of a row that is wrong. */
export function leftOut({ field, reason, description }: FieldViolation, value: unknown): RowIssue {
  const message = `${quote(value)} was left out: ${description.replace(/\.$/, '')}.`;
  return { ...warning(reason, message, { field }), value };
}

/** Whether nothing tells whom a row is about but its name. */
function isUnknown(customer: Customer): boolean {
  return customer.id === '' && uniqueValues(customerType(), customer).length === 0;
}

/** A person's domain is no key: people have none. */
function isKey(violation: FieldViolation | undefined): boolean {
  const { field = '', reason } = violation ?? {};
  return /^(emails|domains|externalIds)\b(?!.*\.label$)/.test(field) && reason !== 'NOT_ALLOWED';
}

function withError(issues: RowIssue[], lostKey: RowIssue): RowIssue[] {
  const { reason, message, field } = lostKey;
  const why = `${message} The row has no other e-mail address, domain or external id to be known by.`;
  return issues.map((issue) => (issue === lostKey ? error(reason, why, { field }) : issue));
}
