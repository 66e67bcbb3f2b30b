import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows } from '@rapport/persistence';
import { recordTypes, type RecordType } from '../fields/record-type.js';

/**
 * The condition of one parent's records, after that of their tenant; empty for records without parents, and for all.
 *
 * @param table alias of the table in the statement
 * @param isTested true when other conditions find the records by indexes: the planner, whose statistics cover all
 *   tenants, underestimates a parent's records, and would read all of them instead
 */
export function conditionOfParent(
  { table: ownTable, contract, parentKey }: RecordType,
  { table = ownTable, isTested = false }: { table?: string; isTested?: boolean } = {},
): { sql: string; params: string[] } {
  if (parentKey === undefined) return { sql: '', params: [] };
  const isOfParent = `${table}.${contract.parent} = ?`;
  return { sql: ` and ${isTested ? `(${isOfParent}) is true` : isOfParent}`, params: [parentKey] };
}

/** @throws AppError NOT_FOUND for the type of a parent that is not live */
export async function checkParent(em: EntityManager, { parentKey, definition, plural }: RecordType): Promise<void> {
  if (parentKey === undefined) return;
  const { parent } = definition;
  if (!parent) throw new Error(`${plural} have no parent rules.`);
  const found = await queryRows(em, parent.find(parentKey));
  if (found.length === 0) throw parent.missing(parentKey);
}

/** The type of a parent's records by its name, such as `objects.subscription`; undefined for a name of another form. */
export function typeOfParent(name: string, types: Iterable<RecordType> = recordTypes()): RecordType | undefined {
  const [area, parentKey, ...more] = name.split('.');
  if (!parentKey || more.length > 0) return undefined;
  return [...types]
    .find(({ contract }) => contract.parent !== undefined && contract.permission === area)
    ?.of(parentKey);
}
