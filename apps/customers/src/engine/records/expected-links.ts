import { etagVersion, isRefusal, NotAsExpected, type TransactionStatement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { TargetRule } from '../fields/record-definition.js';
import { recordType, type RecordType } from '../fields/record-type.js';
import { LinkedRecords, type Link } from './references.js';
import type { StoredRecord } from './record-rows.js';

/** The targets of links as they are expected to be, and the statements that lock them, or refuse if they are not so. */
export interface ExpectedLinks {
  linked: LinkedRecords;
  checks: TransactionStatement[];
}

/**
 * Expects the targets of a new record's links to be live, so that checking and locking them takes no round trip of its own. The
 * targets that its type needs are expected to be as they were last read.
 *
 * @returns undefined when they must be read
 */
export function expectLinks(type: RecordType, links: readonly Link[]): ExpectedLinks | undefined {
  if (type.definition.facts?.([])) return undefined;
  const targets: object[] = [];
  const checks: TransactionStatement[] = [];
  // The order in which all writers lock: by type, and then by id.
  const byType = [...Map.groupBy(links, ({ target }) => target)].sort(([one], [other]) => (one < other ? -1 : 1));
  for (const [name, own] of byType) {
    const target = recordType(name);
    const [first, ...others] = own;
    const isNeeded = own.some((link) => needs(type, link));
    if (!first || (others.length > 0 && (isNeeded || own.some(({ rule }) => rule)))) return undefined;
    const known = isNeeded ? knownTargets.get(keyOf(first)) : undefined;
    if (isNeeded && !known) return undefined;
    targets.push(
      ...(known ? [known] : own.map(({ id, rule }) => ({ id, ...(rule && { [rule.column]: rule.value }) }))),
    );
    checks.push(
      expectTargets(target, [...new Set(own.map(({ id }) => id))], { known: known?.record, rule: first.rule }),
    );
  }
  return { linked: new LinkedRecords().add([targets]), checks };
}

/** Remembers the targets that a type needs, for its next record. @param linked committed records, read and locked */
export function noteTargets(type: RecordType, links: readonly Link[], linked: LinkedRecords): void {
  for (const link of links) {
    // What a tenant can encrypt or erase is not kept.
    if (!needs(type, link) || recordType(link.target).derived.sealed) continue;
    const target = linked.recordOf(link.id);
    if (!target) continue;
    if (knownTargets.size >= maxKnown) knownTargets.clear();
    knownTargets.set(keyOf(link), target);
  }
}

/** Most targets that a process remembers: a pipeline with thirty stages takes 10 kB. */
const maxKnown = 1_000;

const knownTargets = new Map<string, StoredRecord>();

function keyOf({ target, id }: Link): string {
  return `${currentCaller().tenantId} ${target} ${id}`;
}

function needs({ definition }: RecordType, { field }: Link): boolean {
  return definition.needs?.includes(field) ?? false;
}

const changed = 'LINKS_CHANGED';

interface Expected {
  /** The record that the target is expected to be. A version may come again, after a failover or a restored workspace, but not with its time. */
  known: StoredRecord['record'] | undefined;
  rule: TargetRule | undefined;
}

function expectTargets({ table }: RecordType, ids: readonly string[], { known, rule }: Expected): TransactionStatement {
  const [id, ...others] = ids;
  const isOne = others.length === 0;
  const conditions = [
    ...(known ? [`version = $4 and update_time = $5`] : []),
    ...(rule ? [`${rule.column} = $${known ? 6 : 4}`] : []),
  ];
  return {
    name: [
      'expect',
      table,
      ...(isOne ? [] : ['many']),
      ...(known ? ['version'] : []),
      ...(rule ? [rule.column] : []),
    ].join('_'),
    sql: `select refuse_unless(count(*) = $3, '${changed}') from (
        select from ${table} where tenant_id = $1 and ${isOne ? 'id = $2' : 'id = any ($2::uuid[])'} and delete_time is null
        ${conditions.map((condition) => `and ${condition}`).join(' ')} order by id for share) found`,
    values: [
      ...[currentCaller().tenantId, isOne ? id : [...ids], ids.length],
      ...(known ? [etagVersion(known.etag), known.updateTime] : []),
      ...(rule ? [rule.value] : []),
    ],
    explain: (error) => (isRefusal(error, changed) ? new NotAsExpected() : error),
  };
}
