import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows, transactionPipeline } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { CustomFields } from '../../fields/custom-fields.js';
import type { RecordMessage } from '../../fields/record-definition.js';
import type { RecordType } from '../../fields/record-type.js';
import {
  insertKeys,
  ownedValues,
  ownersOf,
  releaseValues,
  valueText,
  type OwnerRow,
} from '../../records/claim-unique-values.js';
import { effectsOf } from '../../records/effects.js';
import { needsOthers } from '../../records/apply-update.js';
import { nextChange, nextRecord } from '../../records/record-changes.js';
import { openStored, type StoredRecord } from '../../records/record-rows.js';
import { lockRecords, updateRecords } from '../../records/record-statements.js';
import { LinkedRecords, neededLinks } from '../../records/references.js';
import { uniqueValues, without } from '../../records/unique-values.js';
import { currentSeal } from '../../sealing/seal.js';
import { ownRecords, type Change } from './undo-links.js';

/** The records that now have unique values which these records had before, by value. */
export async function formerKeyOwners(
  em: EntityManager,
  type: RecordType,
  changes: readonly Change[],
): Promise<Map<string, string>> {
  const values = changes.flatMap(({ before }) => (before ? uniqueValues(type, before) : []));
  if (values.length === 0) return new Map();
  const owners = await queryRows<OwnerRow>(em, ownersOf(type, values));
  // Only callers that see all records have operations.
  return new Map(owners.flatMap((owner) => (owner.record_id === null ? [] : [[valueText(owner), owner.record_id]])));
}

/**
 * The locked records that can't be reverted, because a record that stays as it is has one of their former unique
 * values, or because two had the same one at different times.
 */
export async function blockedIds(
  em: EntityManager,
  type: RecordType,
  changes: readonly Change[],
): Promise<Set<string>> {
  const owners = await formerKeyOwners(em, type, changes);
  const undone = new Set(changes.map(({ customer_id }) => customer_id));
  const blocked = new Set<string>();
  // A record that stays may block others.
  for (let count = -1; count !== blocked.size;) {
    count = blocked.size;
    const claims = new Map<string, string>();
    for (const { customer_id: id, before } of changes.filter((change) => !blocked.has(change.customer_id))) {
      const values = before ? uniqueValues(type, before).map(valueText) : [];
      const isFree = values.every((value) => {
        const owner = owners.get(value) ?? id;
        return (owner === id || (undone.has(owner) && !blocked.has(owner))) && (claims.get(value) ?? id) === id;
      });
      if (!isFree) blocked.add(id);
      else for (const value of values) claims.set(value, id);
    }
  }
  return blocked;
}

/** Current records by id, and their references that the undo needs. */
export interface Locked {
  records: ReadonlyMap<string, RecordMessage>;
  linked: LinkedRecords;
}

/**
 * Locks records until the transaction ends, in the common order, and before them the targets of the references that
 * their type needs: current and former ones.
 */
export async function lockForUndo(em: EntityManager, type: RecordType, changes: readonly Change[]): Promise<Locked> {
  const ids = changes.map(({ customer_id }) => customer_id);
  const linked = new LinkedRecords();
  if (needsOthers(type)) {
    const links = changes.flatMap(({ before }) => (before ? neededLinks(type, before) : []));
    const rows: object[][] = [];
    for (const statement of linked.statements(links, { type, ids })) rows.push(await queryRows(em, statement));
    linked.add(rows);
  }
  const records = await openStored(type, await queryRows<StoredRecord>(em, lockRecords(type, ids)));
  await linked.lock(
    em,
    records.flatMap((record) => neededLinks(type, record)),
  );
  return { records: new Map(records.map((record) => [record.id, record])), linked };
}

/** Why the rules of the type forbid reverting a locked record. Undefined when they allow it. */
export function ruleAgainst(type: RecordType, before: RecordMessage, { records, linked }: Locked): string | undefined {
  // A rule about the record alone was satisfied by the former state.
  if (!needsOthers(type)) return undefined;
  const [violation] = type.definition.guard?.(linked.change(type, records.get(before.id), before)) ?? [];
  return violation && `${violation.field} ${violation.description.replace(/\.$/, '')}`;
}

/** Deletes records permanently, with their keys and dependents. */
export async function purgeRecords(em: EntityManager, type: RecordType, ids: string[]): Promise<void> {
  if (ids.length === 0) return;
  const parameters = [currentCaller().tenantId, ids];
  const { table } = type;
  const own = [{ table: `${table}_key`, column: `${table}_id` }, ...ownRecords(type), { table, column: 'id' }];
  for (const { table: from, column } of own) {
    await em.execute(`delete from ${from} where tenant_id = ? and ${column} in (?)`, parameters);
  }
}

/** Gives locked records their former content and keys, with the next version. None of them is blocked. */
export async function restoreRecords(
  em: EntityManager,
  type: RecordType,
  before: RecordMessage[],
  { records, linked, customFields }: Locked & { customFields: CustomFields },
): Promise<void> {
  if (before.length === 0) return;
  const changes = before.flatMap((former) => {
    const now = records.get(former.id);
    if (!now) return [];
    // Server-managed fields are restored too, except those that may follow from other changed records.
    const restored = needsOthers(type) ? nextRecord(type, now, former, linked) : { ...former, ...nextChange(now) };
    return [linked.change(type, now, restored)];
  });
  const restored = changes.map(({ after }) => after);
  // A former record may be about another person than the current one.
  await currentSeal()?.prepare(restored.map((record) => type.subjectOf(record)));
  await transactionPipeline(em, [updateRecords(type, restored, customFields)]);
  const values = (record: RecordMessage) => uniqueValues(type, record);
  const pairs = changes.map(({ before: now, after }) => ({
    id: after.id,
    had: now ? values(now) : [],
    has: values(after),
  }));
  const lost = pairs.flatMap(({ id, had, has }) => ownedValues(id, without(had, has)));
  const regained = pairs.flatMap(({ id, had, has }) => ownedValues(id, without(has, had)));
  await transactionPipeline(em, [
    ...releaseValues(type, lost),
    // Keys that the import took from them. Fails when a record created meanwhile has one.
    ...(regained.length > 0 ? [insertKeys(type, regained)] : []),
    ...effectsOf(type, changes),
  ]);
}
