import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows } from '@rapport/persistence';
import type { FieldViolation } from '@rapport/platform';
import type { CustomFields } from '../../fields/custom-fields.js';
import type { RecordType } from '../../fields/record-type.js';
import { LinkedRecords, newLinks } from '../../records/references.js';
import { UnknownOwners } from '../../records/scope/named-owners.js';
import { onceFor } from '../../values/once-for.js';
import { leftOut, type PreparedRow } from '../rows/prepare-row.js';
import { error, quote } from '../rows/row-issue.js';
import { leaveOut } from './leave-out.js';

type Values = Record<string, unknown>;

/**
 * Locks what rows refer to, and what their type needs of the candidate records: all records of other types, before any
 * of the candidates. A reference without a live target, or to an unknown owner, is removed from its row with a WARNING; if it is required, the
 * row is refused. The other targets stay live meanwhile.
 *
 * @param ids of the candidate records
 */
export async function lockLinks(
  em: EntityManager,
  type: RecordType,
  rows: readonly PreparedRow[],
  { ids, customFields }: { ids: readonly string[]; customFields: CustomFields },
): Promise<LinkedRecords> {
  const unknownOwners = await UnknownOwners.among(
    type,
    rows.map(({ record }) => record),
  );
  const linked = new LinkedRecords();
  const links = rows.map(({ record }) => newLinks(type, record, customFields));
  const results: object[][] = [];
  for (const statement of linked.statements(links.flat(), { type, ids })) results.push(await queryRows(em, statement));
  linked.add(results);
  for (const [index, row] of rows.entries()) {
    const violations = [...linked.violations(links[index] ?? []), ...unknownOwners.violations(type, row.record)];
    if (violations.length > 0) takeWrongLinks(type, row, violations);
  }
  return linked;
}

function takeWrongLinks(type: RecordType, row: PreparedRow, violations: FieldViolation[]): void {
  const required = violations.find(({ field }) => requiredReferences(type).has(field));
  if (required) {
    const { field, reason, description } = required;
    row.refusal ??= error(reason, `${quote((row.record as unknown as Values)[field])} ${description}.`, { field });
    return;
  }
  row.issues.push(...leaveOut(type, row.record, violations).map(({ violation, value }) => leftOut(violation, value)));
}

/** JSON names of the required references of a record. */
const requiredReferences = onceFor(
  (type: RecordType): ReadonlySet<string> =>
    new Set(
      type.contract.fields
        .filter(({ reference, isRequired }) => reference !== undefined && isRequired)
        .map(({ name }) => name),
    ),
);
