import { currentCaller } from '@rapport/platform';
import type { Statement } from '@rapport/persistence';
import { onceAmongTypes, recordTypes, type RecordType } from '../../fields/record-type.js';
import { onceFor } from '../../values/once-for.js';
import { rowReader, shownColumns } from '../record-rows.js';

/** The references whose targets a type needs. */
export const neededFields = onceFor((type: RecordType) =>
  type.contract.fields.flatMap(({ name, column, reference }) =>
    reference !== undefined && type.definition.needs?.includes(name) ? [{ name, column, target: reference }] : [],
  ),
);

/** Whether a type needs targets of this type as records. */
const isNeeded = onceAmongTypes((target: RecordType) =>
  [...recordTypes()].some((type) => neededFields(type).some((field) => field.target === target.contract.type)),
);

/** The columns that rules of any type need from targets of a type. */
const ruleColumns = onceAmongTypes((target: RecordType): readonly string[] => {
  const columns = [...recordTypes()].flatMap(({ contract, definition }) =>
    contract.fields.flatMap(({ name, reference }) => {
      const rule = reference === target.contract.type ? definition.targets?.[name] : undefined;
      return rule ? [rule.column] : [];
    }),
  );
  return [...new Set(columns)];
});

/**
 * Reads targets of links, and those that stored records need by a column, and keeps them live until the transaction ends.
 *
 * @param stored records that are about to be locked
 */
export function lockTargets(
  type: RecordType,
  ids: readonly string[],
  stored: { type: RecordType; ids: readonly string[]; column: string } | undefined,
): Statement {
  const { table } = type;
  const read = isNeeded(type)
    ? { columns: shownColumns(type), row: rowReader(type) }
    : { columns: ['id', ...ruleColumns(type)].map((column) => `${table}.${column}`).join(', ') };
  const { tenantId } = currentCaller();
  const { columns, ...row } = read;
  const lock = 'and delete_time is null order by id for share';
  // One id is a plain parameter: PostgreSQL makes a new plan for each call with a list.
  const [id, ...others] = ids;
  const isOne = others.length === 0;
  if (!stored) {
    return {
      name: isOne ? `lock_linked_${table}` : `lock_linked_${table}s`,
      sql: `select ${columns} from ${table}
        where tenant_id = $1 and ${isOne ? 'id = $2' : 'id = any ($2::uuid[])'} ${lock}`,
      values: [tenantId, isOne ? id : [...ids]],
      ...row,
    };
  }
  const { column } = stored;
  const from = stored.type.table;
  if (isOne && stored.ids.length === 1) {
    return {
      name: `lock_${table}_of_${from}`,
      sql: `select ${columns} from ${table} where tenant_id = $1 and (id = $2
        or id = (select ${column} from ${from} where tenant_id = $1 and id = $3)) ${lock}`,
      values: [tenantId, id ?? null, stored.ids[0]],
      ...row,
    };
  }
  return {
    name: `lock_${table}s_of_${from}s`,
    sql: `select ${columns} from ${table} where tenant_id = $1 and (id = any ($2::uuid[])
        or id in (select ${column} from ${from} where tenant_id = $1 and id = any ($3::uuid[]))) ${lock}`,
    values: [tenantId, [...ids], [...stored.ids]],
    ...row,
  };
}
