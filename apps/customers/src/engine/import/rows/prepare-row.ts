import { ImportIssue_Severity as Severity } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { FieldViolation } from '@rapport/platform';
import type { CustomFields } from '../../fields/custom-fields.js';
import type { RecordMessage } from '../../fields/record-definition.js';
import type { RecordType } from '../../fields/record-type.js';
import { uniqueFieldNames, uniqueValues } from '../../records/unique-values.js';
import { onceFor } from '../../values/once-for.js';
import { fieldViolations } from '../../write/record-rules.js';
import { leaveOut } from '../records/leave-out.js';
import type { ImportRules, MappedRow, NamedReference } from '../import-rules.js';
import type { RowDefaults } from './row-defaults.js';
import { error, quote, warning, type RowIssue } from './row-issue.js';

/** A validated and normalized row for a record. */
export interface PreparedRow<Message = RecordMessage> {
  record: Message;
  /** Whether the row set the name, instead of deriving it from its other values. */
  givesName: boolean;
  /** Whether its lists replace those of the first record that it matches. Otherwise they are united. */
  replacesLists?: boolean | undefined;
  issues: RowIssue[];
  /** References by unique values of their targets. */
  named: readonly NamedReference[];
  /** Why it is refused unless its id names a record: it lacks a required value. */
  missing?: RowIssue | undefined;
  /** Why it is always refused. */
  refusal?: RowIssue | undefined;
}

/** Each round removes all values that the previous one found invalid. */
const maxRounds = 5;

const none: readonly NamedReference[] = [];

/**
 * Builds a record from a mapped row. An invalid value is omitted with a WARNING, so that the rest is not lost. If it
 * was the only unique value, the row is refused: importing a corrected file would create the record again.
 *
 * @returns the issues that refuse the row, one of them an ERROR, when it has no valid record
 */
export function prepareRow<Message extends RecordMessage>(
  rules: ImportRules<Message>,
  { record, issues, named = none }: MappedRow<Message>,
  customFields: CustomFields,
  { country, replacesLists }: Pick<RowDefaults, 'country' | 'replacesLists'>,
): PreparedRow<Message> | { refused: RowIssue[] } {
  const { type } = rules;
  if (issues.some(({ severity }) => severity === Severity.ERROR)) return { refused: issues };
  let lostKey: RowIssue | undefined;
  for (let round = 0; round < maxRounds; round += 1) {
    const [wrongFields, lacking] = divided(fieldViolations(type, record), named);
    const normalised = wrongFields.length === 0 ? rules.normalise(record, customFields, country) : undefined;
    const [violations, lacked] = normalised ? divided(normalised.violations, named) : [wrongFields, []];
    const [lack] = [...lacking, ...lacked];
    const missing = lack && rules.missing(lack);
    if (missing && record.id === '') return { refused: [...issues, missing] };
    if (normalised && violations.length === 0) {
      if (lostKey && isUnknown(type, normalised.record)) return { refused: withError(type, issues, lostKey) };
      issues.push(...normalised.issues);
      return { record: normalised.record, givesName: normalised.givesName, replacesLists, issues, named, missing };
    }
    const left = leaveOut(type, record, violations).map(({ violation, value }) => leftOut(violation, value));
    issues.push(...left);
    lostKey ??= left.find((_, index) => isKey(type, violations[index]));
  }
  return { refused: [...issues, error('ROW_INVALID', 'The row has too many invalid values.')] };
}

/** Violations of existing values, and of missing values that no named reference will set. */
function divided(
  violations: FieldViolation[],
  named: readonly NamedReference[],
): [wrong: FieldViolation[], lacking: FieldViolation[]] {
  if (violations.length === 0) return [violations, violations];
  const lacking = violations.filter(isMissing);
  if (lacking.length === 0) return [violations, lacking];
  return [
    violations.filter((violation) => !isMissing(violation)),
    lacking.filter(({ field }) => !named.some((reference) => reference.field === field)),
  ];
}

/** Whether the record itself lacks a value; a list item that does is invalid. */
function isMissing({ field, reason }: FieldViolation): boolean {
  return reason === 'REQUIRED' && !/[.[]/.test(field);
}

/** An invalid value of a row. */
export function leftOut({ field, reason, description }: FieldViolation, value: unknown): RowIssue {
  const message = `${quote(value)} was omitted: ${description.replace(/\.$/, '')}.`;
  return { ...warning(reason, message, { field }), value };
}

/** Whether a name is all that identifies the record of a row. */
function isUnknown<Message extends RecordMessage>(type: RecordType<Message>, record: Message): boolean {
  return record.id === '' && uniqueValues(type, record).length === 0;
}

/** A person's domain does not identify it: people have no domains. */
function isKey(type: RecordType, violation: FieldViolation | undefined): boolean {
  const { field = '', reason } = violation ?? {};
  const [, name = ''] = /^(\w+)\b(?!.*\.label$)/.exec(field) ?? [];
  return uniqueFieldNames(type).has(name) && reason !== 'NOT_ALLOWED';
}

function withError(type: RecordType, issues: RowIssue[], lostKey: RowIssue): RowIssue[] {
  const { reason, message, field } = lostKey;
  const why = `${message} The row has no other ${keyNouns(type)}.`;
  return issues.map((issue) => (issue === lostKey ? error(reason, why, { field }) : issue));
}

/** Such as `e-mail address, domain or external id`. */
const keyNouns = onceFor((type: RecordType): string => {
  const names = type.namedFields.filter(({ field }) => field.index.unique).map(({ name }) => name.replace(/s$/, ''));
  const nouns = names.map((name) => (name === 'email' ? 'e-mail address' : name.replaceAll('_', ' ')));
  return [nouns.slice(0, -1).join(', '), ...nouns.slice(-1)].filter((noun) => noun !== '').join(' or ');
});
