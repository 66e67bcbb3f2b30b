import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows, type Statement } from '@rapport/persistence';
import { AppError, currentCaller, permissionMissing } from '@rapport/platform';
import { permissionOf, typeOfTable } from '../../engine/fields/record-names.js';
import { recordTypes } from '../../engine/fields/record-type.js';
import { customerType } from '../../engine/records/customers/customer-type.js';
import { linkTables, type LinkTable } from '../../engine/records/referring/link-tables.js';

/** A stored association of either table. */
export interface StoredAssociation {
  table: LinkTable['table'];
  id: string;
  /** Table of the record. */
  fromType: string;
  fromId: string;
  type: string;
  /** Table of the record. */
  toType: string;
  toId: string;
  role: string | null;
  labels: string[];
  version: number;
  createTime: string;
  updateTime: string;
}

/** One end of a table's associations, as SQL on the rows `link`. */
export interface LinkEnd {
  /** The table of the record. */
  type: string;
  id: string;
}

/** Both ends of a table's associations. */
export function endsOf({ from, to, types }: LinkTable): { from: LinkEnd; to: LinkEnd } {
  const typed = (column: 'from_type' | 'to_type') =>
    types.includes(column) ? `link.${column}` : `'${customerType().table}'`;
  return { from: { type: typed('from_type'), id: `link.${from}` }, to: { type: typed('to_type'), id: `link.${to}` } };
}

/** SQL of the columns of a `StoredAssociation`, on the rows `link`. */
export function associationColumns(links: LinkTable): string {
  const { from, to } = endsOf(links);
  const time = (column: string) => `to_json(link.${column} at time zone 'UTC')#>>'{}' || 'Z'`;
  return `'${links.table}' as "table", link.id, ${from.type} as "fromType", ${from.id} as "fromId", link.type,
    ${to.type} as "toType", ${to.id} as "toId", link.role, to_json(link.labels) as labels, link.version,
    ${time('create_time')} as "createTime", ${time('update_time')} as "updateTime"`;
}

/** SQL that is true when the record at an end is live. */
export function isLive({ type, id }: LinkEnd): string {
  const looks = [...recordTypes()].map(
    ({ table }) => `when '${table}' then exists (
      select from ${table} ended where ended.tenant_id = link.tenant_id and ended.id = ${id} and ended.delete_time is null)`,
  );
  return `case ${type} ${looks.join(' ')} else false end`;
}

/**
 * A visible association: both of its records are live, and the caller can read their types.
 *
 * @param verb `write` locks it until the transaction ends
 * @throws AppError NOT_FOUND
 * @throws AppError PERMISSION_DENIED to a caller without the permissions for the types
 */
export async function findAssociation(
  em: EntityManager,
  id: string,
  verb: 'read' | 'write',
): Promise<StoredAssociation> {
  for (const links of linkTables) {
    const select = `select ${associationColumns(links)} from ${links.table} link where link.tenant_id = $1 and link.id = $2`;
    const values = [currentCaller().tenantId, id];
    if (verb === 'write') await queryRows(em, { name: `lock_${links.table}`, sql: `${select} for update`, values });
    // A separate statement: after waiting for the lock, it sees the current state of the association and its records.
    const { from, to } = endsOf(links);
    const sql = `${select} and ${isLive(from)} and ${isLive(to)}`;
    const [found] = await queryRows<StoredAssociation>(em, { name: `shown_${links.table}`, sql, values });
    if (!found) continue;
    checkRights([found.fromType, found.toType], verb);
    return found;
  }
  throw new AppError('NOT_FOUND', 'ASSOCIATION_NOT_FOUND', 'There is no such association.');
}

/**
 * Reads associations of records of any types, oldest first, including those with deleted records. The rows are
 * `StoredAssociation`.
 *
 * @param after id of the previous association
 */
export function associationsOf(ids: readonly string[], after: string | undefined, limit: number): Statement {
  const selects = linkTables.map((links) => {
    const { from, to } = endsOf(links);
    return `select ${associationColumns(links)} from ${links.table} link
      where link.tenant_id = $1 and (${from.id} = any ($2::uuid[]) or ${to.id} = any ($2::uuid[]))
        and ($3::uuid is null or link.id > $3)`;
  });
  return {
    name: 'associations_of_records',
    sql: `${selects.join(' union all ')} order by id limit $4`,
    values: [currentCaller().tenantId, [...ids], after ?? null, limit],
  };
}

/**
 * Reading takes the permission to read the records of both types; writing also takes the permission to write those of
 * one of them.
 *
 * @param tables of the types
 * @throws AppError PERMISSION_DENIED that names the missing permission
 */
export function checkRights(tables: readonly [from: string, to: string], verb: 'read' | 'write'): void {
  const { permissions } = currentCaller();
  const types = tables.map(typeOfTable);
  const unread = types.map((type) => permissionOf(type, 'read')).find((each) => !permissions.includes(each));
  if (unread !== undefined) throw permissionMissing(unread);
  const writing = types.map((type) => permissionOf(type, 'write'));
  if (verb === 'read' || writing.some((each) => permissions.includes(each))) return;
  throw permissionMissing(writing[0] ?? '');
}
