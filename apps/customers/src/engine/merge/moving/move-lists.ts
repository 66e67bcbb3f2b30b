import type { EntityManager } from '@mikro-orm/postgresql';
import type { RecordRef } from '@rapport/contracts/rapport/api/v1/records';
import { queryRows, transactionPipeline } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { CustomFields } from '../../fields/custom-fields.js';
import type { RecordMessage } from '../../fields/record-definition.js';
import type { RecordType } from '../../fields/record-type.js';
import { relatedOf, withRelated } from '../../fields/related-records.js';
import { effectsOf } from '../../records/effects.js';
import { nextChange } from '../../records/record-changes.js';
import { openStored, type StoredRecord } from '../../records/record-rows.js';
import { lockRecords, updateRecords } from '../../records/record-statements.js';
import { LinkedRecords } from '../../records/references.js';
import { refersByList } from '../../records/referring/referring-fields.js';
import { currentSeal } from '../../sealing/seal.js';

/** Most records that one statement moves, since a statement times out after 8 s. A merge can move 10,000. */
export const statementSize = 1_000;

/** References to the record `from` change to the record `to` of the same type. */
export interface Move {
  from: string;
  to: string;
}

/** Ids of records by the place of the reference that was removed from their lists; by undefined where it was replaced. */
export type MovedLists = Map<number | undefined, string[]>;

/** The lists of records of a type that refer to records of another one. */
export interface ReferringLists {
  type: RecordType;
  target: RecordType;
}

/** Makes lists that refer to one record refer to another. A list that refers to both keeps one reference. */
export async function moveLists(em: EntityManager, { type, target }: ReferringLists, move: Move): Promise<MovedLists> {
  const rows = await queryRows<{ id: string }>(em, {
    name: `ids_of_${type.table}_by_list_of_${target.table}`,
    sql: `select id from ${type.table}
      where tenant_id = $1 and ${refersByList(type, target, '$2::uuid[]')} order by id`,
    values: [currentCaller().tenantId, [move.from]],
  });
  const moved: MovedLists = new Map();
  await eachStep(
    rows.map(({ id }) => id),
    (ids) =>
      rewriteRecords(em, type, ids, (record) => {
        const related = relatedOf(type, record);
        const place = placeOf(related, move.from);
        if (place < 0) return undefined;
        const hasBoth = placeOf(related, move.to) >= 0;
        const key = hasBoth ? place : undefined;
        moved.set(key, [...(moved.get(key) ?? []), record.id]);
        return withRelated(
          type,
          record,
          related.toSpliced(place, 1, ...(hasBoth ? [] : [referenceTo(target, move.to)])),
        );
      }),
  );
  return moved;
}

/** Reverts `moveLists` for the lists that still refer to the record `from`. */
export async function moveListsBack(
  em: EntityManager,
  { type, target }: ReferringLists,
  move: Move,
  moved: MovedLists,
): Promise<void> {
  for (const [removedFrom, records] of moved) {
    await eachStep(records.toSorted(), (ids) =>
      rewriteRecords(em, type, ids, (record) => {
        const related = relatedOf(type, record);
        const place = placeOf(related, move.from);
        if (place < 0 || placeOf(related, move.to) >= 0) return undefined;
        const [at, removed] = removedFrom === undefined ? [place, 1] : [removedFrom, 0];
        return withRelated(type, record, related.toSpliced(at, removed, referenceTo(target, move.to)));
      }),
    );
  }
}

/** Does a step for each part of some ids that one statement moves. */
export async function eachStep(ids: string[], step: (ids: string[]) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < ids.length; start += statementSize) await step(ids.slice(start, start + statementSize));
}

function referenceTo({ singular }: RecordType, id: string): RecordRef {
  return { type: singular, id };
}

function placeOf(related: readonly RecordRef[], id: string): number {
  return related.findIndex((each) => each.id === id);
}

/**
 * Locks records and writes them again, with their side effects and encryption.
 *
 * @param rewrite returns undefined for a record that stays as it is
 * @returns the ids of the written records
 */
export async function rewriteRecords(
  em: EntityManager,
  type: RecordType,
  ids: string[],
  rewrite: (record: RecordMessage) => RecordMessage | undefined,
): Promise<string[]> {
  const linked = new LinkedRecords();
  const targets: object[][] = [];
  for (const statement of linked.statements([], { type, ids })) targets.push(await queryRows(em, statement));
  linked.add(targets);
  const stored = await openStored(type, await queryRows<StoredRecord>(em, lockRecords(type, ids)));
  const changes = stored.flatMap((before) => {
    const rewritten = rewrite(before);
    if (!rewritten) return [];
    return [linked.change(type, before, { ...rewritten, ...nextChange(before) })];
  });
  if (changes.length === 0) return [];
  const records = changes.map(({ after }) => after);
  await currentSeal()?.prepare(records.map((record) => type.subjectOf(record)));
  await transactionPipeline(em, [
    updateRecords(type, records, await CustomFields.load(em, type)),
    ...effectsOf(type, changes),
  ]);
  return records.map(({ id }) => id);
}
