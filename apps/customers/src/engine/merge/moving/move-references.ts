import type { EntityManager } from '@mikro-orm/postgresql';
import { OnMerge } from '@rapport/contracts/rapport/api/v1/options';
import { queryRows } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { RecordMessage } from '../../fields/record-definition.js';
import { onceAmongTypes, type RecordType } from '../../fields/record-type.js';
import { customerType } from '../../records/customers/customer-type.js';
import { moveFiles } from '../../files/files-of-records.js';
import type { CustomReference } from '../../records/referring/custom-references.js';
import { referringFields, type ReferringField } from '../../records/referring/referring-fields.js';
import { currentSeal } from '../../sealing/seal.js';
import { onceFor } from '../../values/once-for.js';
import { moveCustomReferences, moveCustomReferencesBack } from './move-custom-references.js';
import { moveLists, moveListsBack, rewriteRecords, statementSize, type Move, type MovedLists } from './move-lists.js';

/** Key of the files of a record among its references. */
const filesKey = 'file.record';

/**
 * Ids of the records whose references a merge has moved, by table and column, such as `deal.customer_id`, or by table and custom
 * field.
 */
export type MovedRecords = Record<string, string[]>;

/** The same of a merge of customers. */
export interface MovedReferences {
  /** Customers whose company was merged. */
  people: string[];
  /** Records of other types. Absent in merges of older releases. */
  references?: MovedRecords | undefined;
}

/** A column of ids, or of a list of references, that a merge rewrites. */
export type MovedColumn = Pick<ReferringField, 'type' | 'name' | 'column' | 'isList'>;

/** The column with the companies of people. */
const people = onceFor((type: RecordType): MovedColumn => ({
  ...{ type, name: 'companyId', column: 'company_id', isList: false },
}));

/** The columns of other types that a merge rewrites, in the order in which their rows are locked. */
const movedReferences = onceAmongTypes((target: RecordType): readonly MovedColumn[] =>
  referringFields(target).filter(({ index, isFollowing }) => index.onMerge === OnMerge.MOVE && !isFollowing),
);

/** All columns that a merge of records of a type rewrites. */
export function movedColumns(target: RecordType): readonly MovedColumn[] {
  const others = movedReferences(target);
  return target === customerType() ? [people(customerType()), ...others] : others;
}

/** Makes the records that refer to one customer refer to another. Includes deleted records, which can be undeleted. */
export async function moveReferences(
  em: EntityManager,
  move: Move,
  custom: readonly CustomReference[],
): Promise<MovedReferences> {
  const moved = await moveColumn(em, people(customerType()), move);
  const references = await moveRecordsOf(em, customerType(), move);
  return { people: moved, references: { ...references, ...(await moveCustomReferences(em, move, custom)) } };
}

/** Reverts `moveReferences` for the records that still refer to the customer `from`. */
export async function moveReferencesBack(em: EntityManager, move: Move, moved: MovedReferences): Promise<void> {
  await moveColumn(em, people(customerType()), move, moved.people);
  await moveRecordsBack(em, customerType(), move, moved.references ?? {});
  await moveCustomReferencesBack(em, move, moved.references ?? {});
}

/** Makes the records of other types, and the files, that refer to one record refer to another one of its type. */
export async function moveRecordsOf(em: EntityManager, target: RecordType, move: Move): Promise<MovedRecords> {
  const moved: MovedRecords = {};
  for (const column of movedReferences(target)) {
    const lists = column.isList ? await moveLists(em, { type: column.type, target }, move) : undefined;
    for (const [place, ids] of lists ?? []) moved[placeKey(column, place)] = ids;
    const ids = lists ? [] : await moveColumn(em, column, move);
    if (ids.length > 0) moved[keyOf(column)] = ids;
  }
  const files = await moveFiles(em, target, move);
  if (files.length > 0) moved[filesKey] = files;
  return moved;
}

/** Reverts `moveRecordsOf` for the records that still refer to `move.from`. */
export async function moveRecordsBack(
  em: EntityManager,
  target: RecordType,
  move: Move,
  moved: MovedRecords,
): Promise<void> {
  for (const column of movedReferences(target)) {
    if (column.isList) await moveListsBack(em, { type: column.type, target }, move, listsOf(column, moved));
    else await moveColumn(em, column, move, moved[keyOf(column)] ?? []);
  }
  await moveFiles(em, target, move, moved[filesKey] ?? []);
}

function keyOf({ type, column }: MovedColumn): string {
  return `${type.table}.${column}`;
}

/** Key of the lists that have lost a reference, such as `task.related@1`. */
function placeKey(column: MovedColumn, place: number | undefined): string {
  return place === undefined ? keyOf(column) : `${keyOf(column)}@${place}`;
}

function listsOf(column: MovedColumn, moved: MovedRecords): MovedLists {
  return new Map(
    Object.entries(moved).flatMap(([key, ids]): [number | undefined, string[]][] => {
      const [name, place] = key.split('@');
      return name === keyOf(column) ? [[place === undefined ? undefined : Number(place), ids]] : [];
    }),
  );
}

/**
 * @param ids of the records to move; all that refer to `move.from` when absent
 * @returns the ids of the records that were moved
 */
async function moveColumn(em: EntityManager, column: MovedColumn, move: Move, ids?: string[]): Promise<string[]> {
  const records = (ids ?? (await referringIds(em, column, move.from))).toSorted();
  const moved: string[] = [];
  for (let start = 0; start < records.length; start += statementSize) {
    const some = records.slice(start, start + statementSize);
    moved.push(...(await (isMovedByRecord(column) ? moveRecords : moveRows)(em, column, move, some)));
  }
  return moved;
}

/** Other transactions cannot add references meanwhile, since the merge has locked the row that they refer to. */
async function referringIds(em: EntityManager, { type, column }: MovedColumn, id: string): Promise<string[]> {
  const rows = await queryRows<{ id: string }>(em, {
    name: `ids_of_${type.table}_by_${column}`,
    sql: `select id from ${type.table} where tenant_id = $1 and ${column} = $2`,
    values: [currentCaller().tenantId, id],
  });
  return rows.map((row) => row.id);
}

/**
 * Whether records must be rewritten one by one: their personal data is encrypted with the key of the referenced customer, or
 * the type has side effects.
 */
function isMovedByRecord({ type, column }: MovedColumn): boolean {
  return (
    type.definition.also !== undefined || (currentSeal() !== undefined && type.contract.options.subject === column)
  );
}

async function moveRows(em: EntityManager, moved: MovedColumn, move: Move, ids: string[]): Promise<string[]> {
  const { type, column } = moved;
  const { table } = type;
  const has = (name: string) => type.contract.fields.some((field) => field.column === name);
  const { tenantId, principalId } = currentCaller();
  const rows = await queryRows<{ id: string }>(em, {
    name: `move_${table}_by_${column}`,
    // Locks the rows by id, like all other writers.
    sql: `with locked as (
        select id from ${table} where tenant_id = $1 and ${column} = $2 and id = any ($4::uuid[]) order by id for update)
      update ${table} set ${column} = $3, version = version + 1
        ${has('update_time') ? ', update_time = stamp.time' : ''} ${has('updated_by') ? ', updated_by = stamp.principal' : ''}
      from (select $5::timestamptz as time, $6::text as principal) stamp
      where tenant_id = $1 and id in (select id from locked)
      returning id`,
    values: [tenantId, move.from, move.to, ids, new Date().toISOString(), principalId],
  });
  return rows.map(({ id }) => id);
}

/** Updates each record as a write call does, with its side effects and encryption. */
async function moveRecords(
  em: EntityManager,
  { type, name }: MovedColumn,
  move: Move,
  ids: string[],
): Promise<string[]> {
  const refersTo = (record: RecordMessage) => (record as unknown as Record<string, unknown>)[name];
  return rewriteRecords(em, type, ids, (record) =>
    refersTo(record) === move.from ? { ...record, [name]: move.to } : undefined,
  );
}
