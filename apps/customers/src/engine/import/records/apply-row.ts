import { isDeepStrictEqual } from 'node:util';
import type { FieldViolation } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import type { RecordMessage } from '../../fields/record-definition.js';
import type { RecordType } from '../../fields/record-type.js';
import { uniqueValues, type UniqueValue } from '../../records/unique-values.js';
import { keyName } from '../../fields/filter-fields.js';
import { onceFor } from '../../values/once-for.js';
import { leftOut, type PreparedRow } from '../rows/prepare-row.js';
import { error, notice, quote, warning, type RowIssue } from '../rows/row-issue.js';
import type { ImportRules, MergeOptions, RowMerge } from '../import-rules.js';
import type { ImportRecord, ImportRecords } from './import-record.js';
import { leaveOut } from './leave-out.js';
import { absentValues } from './merge-values.js';

export type Outcome = 'created' | 'updated' | 'unchanged' | 'joined' | 'failed';

/** The result of a row. */
interface Applied {
  outcome: Outcome;
  issues: RowIssue[];
}

/**
 * Applies a row to the record that it matches, or creates a record: its id decides, else its external ids, else the
 * first of its other unique values that a record has.
 *
 * The result depends only on the owners of keys. No later row takes a key away unless lists are replaced, and after a
 * row is applied all of its external ids have owners. So importing the same file again finds the same records.
 */
export function applyRow(given: PreparedRow, records: ImportRecords, rules: ImportRules): Applied {
  const { type } = rules;
  const own = records.byId(given.record.id);
  const row = own ? asKept(given, own.record, rules) : given;
  const keys = uniqueValues(type, row.record).sort((one, other) => priorityOf(type, one) - priorityOf(type, other));
  const owned = keys.flatMap((key) => {
    const owner = records.owner(key);
    return owner ? [{ key, owner }] : [];
  });
  const refusal = refusalOf(row, { keys, owned, own }, records, rules);
  if (refusal) return { outcome: 'failed', issues: [...row.issues, refusal] };

  const met = own ?? owned.find(({ owner }) => !hasOtherId(owner.record, row.record))?.owner;
  const taken = owned.filter(({ owner }) => owner !== met);
  const free = {
    ...row,
    record: without(
      type,
      row.record,
      taken.map(({ key }) => key),
    ),
  };
  const issues = [...row.issues, ...conflictsOf(type, taken), ...idIssues(type, row, own)];
  const found = met ?? (keys.length === 0 ? findEqual(row, records, rules) : undefined);
  const result = found ? change(found, free, records, rules) : create(free, records, rules);
  return { outcome: result.outcome, issues: [...issues, ...result.issues] };
}

interface OwnedKey {
  key: UniqueValue;
  owner: ImportRecord;
}

/** The precedence of keys: external ids, then those of the other fields in the order of the contract. */
const priorities = onceFor((type: RecordType): ReadonlyMap<string, number> => {
  const names = type.namedFields.filter(({ field }) => field.index.unique).map(({ name }) => keyName(name));
  const others = names.filter((name) => name !== externalId);
  return new Map([externalId, ...others].map((name, index) => [name, index]));
});

const externalId = 'EXTERNAL_ID';

function priorityOf(type: RecordType, { type: key }: UniqueValue): number {
  return priorities(type).get(key) ?? 0;
}

function refusalOf(
  row: PreparedRow,
  { keys, owned, own }: { keys: UniqueValue[]; owned: OwnedKey[]; own: ImportRecord | undefined },
  records: ImportRecords,
  rules: ImportRules,
): RowIssue | undefined {
  if (row.refusal) return row.refusal;
  if (!own && row.missing) return row.missing;
  return (
    hiddenOwner(rules.type, keys, records) ?? mismatch(row, owned, own, rules) ?? contradiction(row, owned, own, rules)
  );
}

function hiddenOwner({ singular }: RecordType, keys: UniqueValue[], records: ImportRecords): RowIssue | undefined {
  const hidden = keys.find((key) => records.isHidden(key));
  if (!hidden) return undefined;
  return error('KEY_CONFLICT', `${quote(hidden.text ?? hidden.value)} belongs to another ${singular}.`, {
    field: hidden.path,
  });
}

/**
 * A row with equivalent values replaced by those of the record with its id. Existing invalid values of the record are
 * not reported again.
 */
function asKept(row: PreparedRow, stored: RecordMessage, rules: ImportRules): PreparedRow {
  return {
    ...row,
    record: rules.asStored?.(row.record, stored) ?? row.record,
    issues: row.issues.filter((issue) => !isHeld(stored, issue)),
  };
}

/** Whether a record has the value of an issue in the same field. */
function isHeld(record: RecordMessage, { field = '', value }: RowIssue): boolean {
  if (value === undefined) return false;
  const [, name = '', key, part] = /^(\w+)(?:\.(.+)|\[\d+\](?:\.(\w+))?)?$/.exec(field) ?? [];
  const held = (record as unknown as Record<string, unknown>)[name];
  const values = Array.isArray(held) ? (held as unknown[]) : [held];
  const within = part ?? key;
  return values.some((item) =>
    isDeepStrictEqual(within === undefined ? item : (item as Record<string, unknown> | undefined)?.[within], value),
  );
}

function mismatch(
  row: PreparedRow,
  owned: OwnedKey[],
  own: ImportRecord | undefined,
  rules: ImportRules,
): RowIssue | undefined {
  if (!rules.mismatch) return undefined;
  for (const { id, record } of [...(own ? [own] : []), ...owned.map(({ owner }) => owner)]) {
    const issue = rules.mismatch(record, row.record);
    if (issue) return { ...issue, recordId: id };
  }
  return undefined;
}

/**
 * Contradicting external ids: of two records, of another record than the id, or of a record with another id in their
 * systems. No rule can decide which is right.
 */
function contradiction(
  row: PreparedRow,
  owned: OwnedKey[],
  own: ImportRecord | undefined,
  rules: ImportRules,
): RowIssue | undefined {
  const byId = owned.filter(({ key }) => key.type === externalId);
  const first = own ?? byId[0]?.owner;
  const wrong = byId.find(({ owner }) => owner !== first || (!own && hasOtherId(owner.record, row.record)));
  if (!wrong) return undefined;
  const message = `The external ids of the row contradict those of ${quote(rules.nameOf(wrong.owner.record))}.`;
  return error('KEY_CONFLICT', message, { field: wrong.key.path, recordId: wrong.owner.id });
}

interface WithIds {
  externalIds?: readonly { system: string; value: string }[];
}

function externalIdsOf(record: RecordMessage): NonNullable<WithIds['externalIds']> {
  return (record as WithIds).externalIds ?? [];
}

/** A record with another id in the same external system is another record, even if both share another unique value. */
function hasOtherId(record: RecordMessage, row: RecordMessage): boolean {
  return externalIdsOf(row).some(({ system, value }) =>
    externalIdsOf(record).some((other) => other.system === system && other.value !== value),
  );
}

/**
 * A row without any key matches a record without any key that already has all its values. A record with keys may get
 * another name from a later row, and would then not be found again.
 */
function findEqual(row: PreparedRow, records: ImportRecords, rules: ImportRules): ImportRecord | undefined {
  for (const entry of records.namesakes(row.record)) {
    const { record } = entry;
    if (rules.mismatch?.(record, row.record) || uniqueValues(rules.type, record).length > 0) continue;
    const united = { ...row, replacesLists: false };
    const { changed, refused } = merge(rules, record, united, { fillOnly: false, keepName: false });
    if (!changed && refused.length === 0) return entry;
  }
  return undefined;
}

function create(row: PreparedRow, records: ImportRecords, rules: ImportRules): Applied {
  const id = uuidv7();
  const record = { ...row.record, ...absentValues(rules.type, row.record), id };
  const forbidden = forbiddenBy(rules, records, undefined, record);
  if (forbidden.length > 0) return { outcome: 'failed', issues: forbidden };
  records.putCreated(row.record, {
    ...{ id, stored: undefined, record, changed: true },
    ...{ met: true, named: row.givesName },
  });
  return { outcome: 'created', issues: [] };
}

function change(entry: ImportRecord, row: PreparedRow, records: ImportRecords, rules: ImportRules): Applied {
  const before = entry.record;
  const options = { fillOnly: entry.met, keepName: entry.named };
  const { record, changed, full, refused } = merge(rules, before, row, options);
  const forbidden = changed ? forbiddenBy(rules, records, entry.stored, record) : [];
  if (forbidden.length > 0) {
    return { outcome: 'failed', issues: forbidden.map((issue) => ({ ...issue, recordId: entry.id })) };
  }
  const issues = [
    ...(entry.met ? [joinedEarlierRow(row, entry, rules)] : []),
    ...full.map((list) => listFull(rules.type, list, entry)),
    ...refused.map(({ violation, value }) => ({ ...leftOut(violation, value), recordId: entry.id })),
  ];
  const outcome = entry.met ? 'joined' : changed ? 'updated' : 'unchanged';
  entry.met = true;
  entry.named ||= row.givesName;
  entry.changed ||= changed;
  entry.record = record;
  records.put(entry, before);
  return { outcome, issues };
}

/** Violations of the type's rules by the combined changes of all rows to a record: they are stored as one change. */
function forbiddenBy(
  { type }: ImportRules,
  { linked }: ImportRecords,
  before: RecordMessage | undefined,
  after: RecordMessage,
): RowIssue[] {
  if (!type.definition.guard) return [];
  const violations: FieldViolation[] = type.definition.guard(linked.change(type, before, after));
  return violations.map(({ field, reason, description }) =>
    error(reason, `${field} ${description.replace(/\.$/, '')}.`, { field }),
  );
}

function merge(
  rules: ImportRules,
  record: RecordMessage,
  { record: row, givesName, replacesLists }: PreparedRow,
  { fillOnly, keepName }: Pick<MergeOptions, 'fillOnly' | 'keepName'>,
): RowMerge {
  return rules.merge(record, row, {
    fillOnly,
    replacesLists: replacesLists === true && !fillOnly,
    keepName,
    givesName,
  });
}

function without(type: RecordType, record: RecordMessage, taken: UniqueValue[]): RecordMessage {
  if (taken.length === 0) return record;
  const rest = { ...record };
  leaveOut(
    type,
    rest,
    taken.map(({ path }) => ({ field: path, reason: 'TAKEN', description: '' })),
  );
  return rest;
}

/** One for each value, whose spellings are several keys. */
function conflictsOf(type: RecordType, taken: readonly OwnedKey[]): RowIssue[] {
  const byPath = new Map(taken.toReversed().map((each) => [each.key.path, each]));
  return [...byPath.values()].toReversed().map((each) => keyConflict(type, each));
}

function keyConflict({ singular }: RecordType, { key, owner }: OwnedKey): RowIssue {
  const message = `${quote(key.text ?? key.value)} belongs to another ${singular} and was omitted.`;
  return warning('KEY_CONFLICT', message, { field: key.path, recordId: owner.id });
}

/** Issues about the ids of a row: its own id is unknown, or its record has other external ids. */
function idIssues(type: RecordType, { record, replacesLists }: PreparedRow, own: ImportRecord | undefined): RowIssue[] {
  if (own) return replacesLists && !own.met ? [] : otherIds(type, record, own);
  if (record.id === '') return [];
  const message = `There is no live ${type.singular} ${quote(record.id)}; the row was matched by its other values.`;
  return [notice('ID_NOT_FOUND', message, { field: 'id' })];
}

function otherIds({ singular }: RecordType, row: RecordMessage, { id, record: own }: ImportRecord): RowIssue[] {
  return externalIdsOf(row).flatMap(({ system, value }, index) => {
    const kept = externalIdsOf(own).find((other) => other.system === system)?.value;
    if (kept === undefined || kept === value) return [];
    const message = `${quote(value)} was omitted: the ${singular} has the id ${quote(kept)} in the system ${system}.`;
    return [warning('KEY_CONFLICT', message, { field: `externalIds[${index}].value`, recordId: id })];
  });
}

function joinedEarlierRow({ record, missing }: PreparedRow, { id }: ImportRecord, rules: ImportRules): RowIssue {
  const name = quote(missing ? '-' : rules.nameOf(record));
  const message = `An earlier row is about the same ${rules.type.singular}; ${name} only added what was missing.`;
  return notice('JOINED_EARLIER_ROW', message, { recordId: id });
}

function listFull({ singular }: RecordType, list: string, { id }: ImportRecord): RowIssue {
  return warning('LIST_FULL', `Not all values were added: the ${singular} has the most ${list} that one may have.`, {
    field: list,
    recordId: id,
  });
}
