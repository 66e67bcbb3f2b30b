import type { FieldViolation } from '@rapport/platform';
import type { RecordIssue } from '../connectors/peer-record.js';
import type { FieldRule } from '../mappings/field-rule.js';

/** A field whose value a side does not take, by its name at the customer, and why. */
export interface RefusedField {
  field: string;
  issue: RecordIssue;
}

/** The fields that violations of a customer are about. Undefined when one of them is about something else. */
export function refusedByCustomers(
  rules: readonly FieldRule[],
  violations: readonly FieldViolation[],
): RefusedField[] | undefined {
  const refused = violations.map(({ field: path, description }) => {
    const name = path.replace(/^customer\./, '');
    const rule = rules.find(({ customerField: field }) =>
      [field, `${field}.`, `${field}[`].some((own) => begins(name, own)),
    );
    return rule && refusal(rule, `The customer's ${rule.customerField} ${description}`);
  });
  return all(refused);
}

/** The fields that issues of a record are about. Undefined when one of them is about something else. */
export function refusedByPeer(rules: readonly FieldRule[], issues: readonly RecordIssue[]): RefusedField[] | undefined {
  const refused = issues.map(({ field: name, message }) => {
    const rule = rules.find(({ peerField }) => peerField === name || peerField.startsWith(`${name}.`));
    return name === undefined || !rule ? undefined : refusal(rule, message);
  });
  return all(refused);
}

function begins(name: string, own: string): boolean {
  return name === own || (/[.[]$/.test(own) && name.startsWith(own));
}

function refusal({ customerField, peerField }: FieldRule, message: string): RefusedField {
  return { field: customerField, issue: { reason: 'VALUE_UNFIT', message, field: peerField } };
}

function all(refused: (RefusedField | undefined)[]): RefusedField[] | undefined {
  const found = refused.flatMap((field) => field ?? []);
  return found.length > 0 && found.length === refused.length ? found : undefined;
}
