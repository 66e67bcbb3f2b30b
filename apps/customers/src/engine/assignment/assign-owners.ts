import type { Assignment } from '@rapport/contracts/rapport/work/v1/assignment';
import type { AssignmentRule } from '@rapport/contracts/rapport/work/v1/assignment_rule';
import type { Calendar } from '@rapport/contracts/rapport/work/v1/calendar';
import { etagVersion, formatEtag, runStatements, type TransactionStatement } from '@rapport/persistence';
import { currentCaller, seesSomeOnly } from '@rapport/platform';
import { isBusinessTime } from '@rapport/time';
import { v7 as uuidv7 } from 'uuid';
import { CustomFields } from '../fields/custom-fields.js';
import type { RecordMessage } from '../fields/record-definition.js';
import { recordType, type RecordType } from '../fields/record-type.js';
import type { StoredRecord } from '../records/record-rows.js';
import { insertRows, recordRow } from '../records/record-statements.js';
import { compiledCalendar } from '../values/compiled-calendars.js';
import { RuleChoices, needsCounts, type Choice, type RuleTurns } from './choose-member.js';
import { Acquaintance } from './acquaintance.js';
import {
  countOpen,
  lockRules,
  readCalendars,
  readRuledTypes,
  readTurns,
  writeTurns,
  type Source,
  type TurnRow,
} from './rule-statements.js';
import { mayHaveRules, noteRuledTypes } from './ruled-types.js';
import { RuleFilters } from './rule-filters.js';

/** The owners that rules have chosen for records. */
export interface Assigned {
  /** By id of the record. */
  owners: ReadonlyMap<string, string>;
  /** The choices, at most one for each record. */
  choices: readonly Assignment[];
  /** Write the turns and the log. Run them in the same transaction. */
  statements: TransactionStatement[];
}

const none: Assigned = { owners: new Map(), choices: [], statements: [] };

/**
 * Chooses owners for records without one by the rules of the tenant. Locks the rules of the type until the transaction ends:
 * transactions of one tenant that create such records take turns. Without rules it takes no statement.
 *
 * @param records in the form in which they are stored, except for their owners
 */
export async function assignOwners<Message extends RecordMessage>(
  source: Source,
  type: RecordType<Message>,
  records: readonly Message[],
): Promise<Assigned> {
  const { options, parent } = type.contract;
  if (!options.owned || parent !== undefined || seesSomeOnly()) return none;
  const unowned = records.filter(({ ownerId }) => ownerId === undefined);
  if (unowned.length === 0 || !(await hasRules(source, type))) return none;

  const [stored = [], turns = []] = await runStatements(source, lockRules(type.singular), readTurns(type.singular));
  const rows = turns as TurnRow[];
  const rules = (stored as unknown as StoredRecord<AssignmentRule>[]).map(({ record }) => record);
  const filters = await RuleFilters.load(source, type, rules);
  const firstRules = await firstRulesOf(source, type, unowned);
  const ruled = unowned.flatMap((record) => {
    const isFirst = ({ id }: AssignmentRule) => Number(firstRules.get(record.id) === id);
    const ordered = rules.toSorted((one, other) => isFirst(other) - isFirst(one));
    const rule = ordered.find((each) => filters.meets(each, record));
    return rule ? [{ rule, record }] : [];
  });
  const owners = new Map<string, string>();
  const log: Assignment[] = [];
  const statements: TransactionStatement[] = [];
  for (const [rule, own] of Map.groupBy(ruled, ({ rule: each }) => each)) {
    const { before, inactive } = stateOf(rule, rows);
    const choices = new RuleChoices(rule, before, { ...(await availability(source, type, rule, own)), inactive });
    const acquaintance = await Acquaintance.load(source, type, rule, own);
    for (const { record } of own) {
      const choice = choices.choose(acquaintance.of(record));
      log.push(assignmentOf(type, record, rule, choice));
      if (choice.userId === undefined) continue;
      owners.set(record.id, choice.userId);
      acquaintance.note(record, choice.userId);
    }
    if (choices.turns.turn !== (before?.turn ?? 0)) statements.push(writeTurns(rule.id, choices.turns));
  }
  return { owners, choices: log, statements: [...statements, ...logOf(log)] };
}

/** What a rule would decide for a record that were created now without an owner. */
export async function tryRule<Message extends RecordMessage>(
  source: Source,
  type: RecordType<Message>,
  rule: AssignmentRule,
  record: Message,
): Promise<Choice | undefined> {
  const filters = await RuleFilters.load(source, type, [rule]);
  if (!filters.meets(rule, record)) return undefined;
  const [turns = []] = await runStatements(source, readTurns(type.singular));
  const { before, inactive } = stateOf(rule, turns as TurnRow[]);
  const choices = new RuleChoices(rule, before, {
    ...(await availability(source, type, rule, [{ record }])),
    inactive,
  });
  const acquaintance = await Acquaintance.load(source, type, rule, [{ record }]);
  return choices.choose(acquaintance.of(record));
}

/** The rules that are tried first, by the ids of records. */
async function firstRulesOf<Message extends RecordMessage>(
  source: Source,
  { definition }: RecordType<Message>,
  records: readonly Message[],
): Promise<Map<string, string>> {
  if (!definition.firstRules) return new Map();
  const [rows = []] = await runStatements(source, definition.firstRules(records));
  return new Map((rows as { record_id: string; rule_id: string }[]).map((row) => [row.record_id, row.rule_id]));
}

async function hasRules(source: Source, type: RecordType): Promise<boolean> {
  const { tenantId } = currentCaller();
  const known = mayHaveRules(tenantId, type.singular);
  if (known !== undefined) return known;
  const [rows = []] = await runStatements(source, readRuledTypes());
  const types = (rows as { record_type: string }[]).map((row) => row.record_type);
  noteRuledTypes(tenantId, types);
  return types.includes(type.singular);
}

/** The turns of a rule before the choice, and its users that are disabled or deleted. */
function stateOf({ id }: AssignmentRule, rows: readonly TurnRow[]): { before?: RuleTurns; inactive: Set<string> } {
  const { turns = null, inactive = [] } = rows.find((row) => row.rule_id === id) ?? {};
  return { ...(turns !== null && { before: JSON.parse(turns) as RuleTurns }), inactive: new Set(inactive) };
}

/** The current facts that decide which members of a rule can get records. */
async function availability(
  source: Source,
  type: RecordType,
  rule: AssignmentRule,
  records: readonly { record: RecordMessage }[],
): Promise<{ open: Map<string, number>; offHours: Set<string> }> {
  return { open: await openOf(source, type, rule, records), offHours: await calendarsOffHours(source, rule) };
}

async function calendarsOffHours(source: Source, { members }: AssignmentRule): Promise<Set<string>> {
  const ids = new Set(members.flatMap(({ calendarId }) => calendarId ?? []));
  if (ids.size === 0) return new Set();
  const { tenantId } = currentCaller();
  const nowMs = Date.now();
  const [stored = []] = await runStatements(source, readCalendars([...ids]));
  const calendars = (stored as unknown as StoredRecord<Calendar>[]).map(({ record }) => record);
  return new Set(
    calendars.flatMap((calendar) => (isBusinessTime(compiledCalendar(tenantId, calendar), nowMs) ? [] : calendar.id)),
  );
}

async function openOf(
  source: Source,
  type: RecordType,
  rule: AssignmentRule,
  records: readonly { record: RecordMessage }[],
): Promise<Map<string, number>> {
  if (!needsCounts(rule)) return new Map();
  const userIds = rule.members.map(({ userId }) => userId);
  const exceptIds = records.map(({ record }) => record.id);
  const [rows = []] = await runStatements(source, countOpen(type, userIds, exceptIds));
  return new Map((rows as { owner_id: string; open: number }[]).map((row) => [row.owner_id, row.open]));
}

function assignmentOf(type: RecordType, { id }: RecordMessage, rule: AssignmentRule, choice: Choice): Assignment {
  const createTime = new Date().toISOString();
  const { principalId } = currentCaller();
  return {
    ...{ id: uuidv7(), recordType: type.singular, recordId: id, ruleId: rule.id },
    ...{ ruleVersion: etagVersion(rule.etag), method: rule.method, ...choice },
    ...{ etag: formatEtag(1), createTime, updateTime: createTime, deleteTime: undefined },
    ...{ createdBy: principalId, updatedBy: principalId },
  };
}

function logOf(assignments: readonly Assignment[]): TransactionStatement[] {
  if (assignments.length === 0) return [];
  const type = recordType<Assignment>('rapport/Assignment');
  const none = new CustomFields([]);
  return [
    insertRows(
      type,
      assignments.map((each) => recordRow(type, each, none)),
    ),
  ];
}
