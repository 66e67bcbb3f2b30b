import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { recordName } from '../fields/record-names.js';
import type { RecordType } from '../fields/record-type.js';
import type { CustomReference } from '../records/referring/custom-references.js';
import { linkTables } from '../records/referring/link-tables.js';
import { refersByList } from '../records/referring/referring-fields.js';
import { countCustomReferences } from './moving/move-custom-references.js';
import { movedColumns } from './moving/move-references.js';

/**
 * Most records and associations that one merge moves. 40,000 take as long as a statement may, and the merge stores the
 * id of each.
 */
const maxMoved = 10_000;

/**
 * @param references custom fields whose values can be ids of records of the type
 * @throws AppError FAILED_PRECONDITION MERGE_TOO_LARGE when more than 10,000 records and associations refer to the
 *   record to merge
 */
export async function checkSize(
  em: EntityManager,
  target: RecordType,
  mergedId: string,
  references: readonly CustomReference[],
): Promise<void> {
  const moved = [
    ...movedColumns(target).map(({ type, column, isList }) => ({
      table: type.table,
      condition: isList ? refersByList(type, target, 'array[$2]::uuid[]') : `${column} = $2`,
    })),
    ...linkTables.flatMap(({ table, from, to }) =>
      [from, to].map((column) => ({ table, condition: `${column} = $2` })),
    ),
  ];
  const [row] = await queryRows<{ count: number }>(em, {
    name: `count_moved_with_${target.table}`,
    sql: `select count(*)::int as count from (
       ${moved.map(({ table, condition }) => `select id from ${table} where tenant_id = $1 and ${condition}`).join(' union all ')}
       union all select id from file where tenant_id = $1 and record = $3
       limit ${maxMoved + 1}) moved`,
    values: [currentCaller().tenantId, mergedId, recordName(target.table, mergedId)],
  });
  const custom = await countCustomReferences(em, references, mergedId, maxMoved + 1);
  if (row !== undefined && row.count + custom <= maxMoved) return;
  const message =
    `More than ${maxMoved.toLocaleString('en')} links and other records would move with the merged ${target.singular}. ` +
    'Swap the two, or first move some of them to the surviving one.';
  throw new AppError('FAILED_PRECONDITION', 'MERGE_TOO_LARGE', message);
}
