import type { AppError } from '@rapport/platform';
import { recordType, type RecordType } from '../../fields/record-type.js';
import { onceFor } from '../../values/once-for.js';
import type { Condition } from './condition.js';

/** What makes a condition of what follows a path in a filter. */
export interface PathComparison {
  /** @param fields what follows, such as `['display_name']` */
  compare: (fields: string[], on: { type: RecordType; table: string }) => Condition;
  unknown: (problem: string) => AppError;
}

type Path = (rest: string[], comparison: PathComparison) => Condition;

/** The ways by which a filter on records of a type is about others, by their first name: `company` for the field `company_id`. */
export const pathsOf = onceFor((type: RecordType): ReadonlyMap<string, Path> => {
  const references = type.contract.fields.flatMap(({ column, reference, writable }): [string, Path][] => {
    if (reference === undefined || writable === 'NEVER') return [];
    const name = column.replace(/_id$/, '');
    return [[name, (rest, { compare }) => ofTarget(type, column, name, recordType(reference), rest, compare)]];
  });
  return new Map([...references, ...(type.definition.hasAssociations ? [associations(type)] : [])]);
});

/** Records whose live target meets a condition. */
function ofTarget(
  { table }: RecordType,
  column: string,
  name: string,
  target: RecordType,
  rest: string[],
  compare: PathComparison['compare'],
): Condition {
  const { row, index } = compare(rest, { type: target, table: name });
  const live = `${name}.delete_time is null`;
  const from = `${target.table} ${name}`;
  return {
    // OFFSET keeps it a look at one row: as a join it could become a scan of all.
    row: {
      sql: `exists (select from ${from} where ${name}.id = ${table}.${column} and ${live} and (${row.sql}) offset 0)`,
      params: row.params,
    },
    ...(index && {
      index: {
        sql: `${table}.${column} = any(array(select ${name}.id from ${from} where ${live} and (${index.sql})))`,
        params: index.params,
      },
    }),
  };
}

function associations(type: RecordType): [string, Path] {
  return [
    'associations',
    ([linkType = '', ...fields], { compare, unknown }) => {
      if (!/^[a-z][a-z0-9_]{0,59}$/.test(linkType)) throw unknown('is no type of association');
      return ofLinked(type, linkType, compare(fields.length > 0 ? fields : ['id'], { type, table: 'linked' }));
    },
  ];
}

/** Records from which a link of the type leads to a live record that meets a condition. */
function ofLinked({ table }: RecordType, linkType: string, { row, index }: Condition): Condition {
  const live = 'linked.delete_time is null';
  return {
    row: {
      sql:
        `exists (select from customer_association link join ${table} linked on linked.id = link.to_customer_id` +
        ` where link.from_customer_id = ${table}.id and link.type = ? and ${live} and (${row.sql}) offset 0)`,
      params: [linkType, ...row.params],
    },
    ...(index && {
      index: {
        sql:
          `${table}.id = any(array(select link.from_customer_id from customer_association link where link.type = ?` +
          ` and link.to_customer_id = any(array(select linked.id from ${table} linked where ${live} and (${index.sql})))))`,
        params: [linkType, ...index.params],
      },
    }),
  };
}
