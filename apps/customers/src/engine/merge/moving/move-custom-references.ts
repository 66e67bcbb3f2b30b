import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { RecordMessage } from '../../fields/record-definition.js';
import type { RecordType } from '../../fields/record-type.js';
import {
  customReferences,
  customReferenceTerm,
  type CustomReference,
} from '../../records/referring/custom-references.js';
import { eachStep, rewriteRecords, type Move } from './move-lists.js';

/** Ids of the records whose custom fields a merge has moved, by table and field, such as `deal.customFields.advisor`. */
export type MovedCustomReferences = Record<string, string[]>;

/**
 * Makes custom fields of type REFERENCE that refer to one customer refer to another. Those of the two customers themselves stay as
 * they are.
 */
export async function moveCustomReferences(
  em: EntityManager,
  move: Move,
  references: readonly CustomReference[],
): Promise<MovedCustomReferences> {
  const moved: MovedCustomReferences = {};
  for (const reference of references) {
    const ids = await referringIds(em, reference, move);
    await eachStep(ids, (some) => rewriteReferences(em, reference, move, some));
    if (ids.length > 0) moved[keyOf(reference)] = ids;
  }
  return moved;
}

/** Reverts `moveCustomReferences` for the fields that still refer to the customer `from`. */
export async function moveCustomReferencesBack(
  em: EntityManager,
  move: Move,
  moved: MovedCustomReferences,
): Promise<void> {
  for (const reference of await customReferences(em)) {
    const ids = moved[keyOf(reference)] ?? [];
    await eachStep(ids.toSorted(), (some) => rewriteReferences(em, reference, move, some));
  }
}

/** @returns the number of records with custom fields that refer to a customer, at most `limit` of each field */
export async function countCustomReferences(
  em: EntityManager,
  references: readonly CustomReference[],
  customerId: string,
  limit: number,
): Promise<number> {
  let count = 0;
  for (const reference of references) {
    const sql = `select from ${reference.type.table} where ${refersBy} limit $3`;
    const values = [currentCaller().tenantId, customReferenceTerm(reference, customerId), limit];
    const [row] = await queryRows<{ count: number }>(em, {
      ...{ name: `count_custom_references_of_${reference.type.table}`, values },
      sql: `select count(*)::int as count from (${sql}) referring`,
    });
    count += row?.count ?? 0;
  }
  return count;
}

/** Other transactions cannot add references meanwhile, since the merge has locked the customer. */
async function referringIds(em: EntityManager, reference: CustomReference, { from, to }: Move): Promise<string[]> {
  const { table } = reference.type;
  const rows = await queryRows<{ id: string }>(em, {
    name: `ids_of_${table}_by_custom_reference`,
    sql: `select id from ${table} where ${refersBy} and id <> all ($3::uuid[]) order by id`,
    values: [currentCaller().tenantId, customReferenceTerm(reference, from), [from, to]],
  });
  return rows.map(({ id }) => id);
}

/** Records, live or deleted, with the term `$2`. Live ones have an index of terms, deleted ones of the tenant. */
const refersBy =
  'tenant_id = $1 and (delete_time is null and terms @> array[$2] or delete_time is not null and terms @> array[$2])';

function rewriteReferences(
  em: EntityManager,
  { type, key }: { type: RecordType; key: string },
  { from, to }: Move,
  ids: string[],
): Promise<string[]> {
  return rewriteRecords(em, type, ids, (record) => {
    const { customFields } = record as RecordMessage & { customFields?: Record<string, unknown> | undefined };
    return customFields?.[key] === from ? { ...record, customFields: { ...customFields, [key]: to } } : undefined;
  });
}

function keyOf({ type, indexKey }: CustomReference): string {
  return `${type.table}.customFields.${indexKey}`;
}
