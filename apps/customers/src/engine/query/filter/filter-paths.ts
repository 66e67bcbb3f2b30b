import { snakeCase } from '@rapport/contracts';
import type { AppError } from '@rapport/platform';
import { onceAmongTypes, recordType, recordTypes, type RecordType } from '../../fields/record-type.js';
import { customerType } from '../../records/customers/customer-type.js';
import { customerLinks, recordLinks } from '../../records/referring/link-tables.js';
import { conditionOfParent, typeOfParent } from '../../records/parents.js';
import type { Condition } from './condition.js';

/** Compiles the rest of a path in a filter. */
export interface PathComparison {
  /** @param fields rest of the path, such as `['display_name']` */
  compare: (fields: string[], on: { type: RecordType; table: string }) => Condition;
  unknown: (problem: string) => AppError;
}

/** A relation by which a filter on records of a type can refer to others. */
interface Path {
  /** The related records, and the rest of a path. @param rest the path after its first name */
  reach: (rest: string[]) => { target: RecordType; rest: string[] };
  /** Whether it leads to one record, so that another relation may follow. */
  isReference: boolean;
  /** @param outer alias of the records' table in the condition */
  condition: (outer: string, rest: string[], comparison: PathComparison) => Condition;
}

/**
 * The relations of a type by their first name: `company` for its field `company_id`, and the plural of each type that
 * refers to it, such as `deals`. `associations` leads from every type, by a type of association, to the records of
 * another, which are customers unless its plural follows, or `objects` and the key of an object.
 */
export const pathsOf = onceAmongTypes((type: RecordType): ReadonlyMap<string, Path> => {
  const references = referencesOf(type).map(({ column, reference }): [string, Path] => {
    const target = recordType(reference);
    const table = column.replace(/_id$/, '');
    const condition: Path['condition'] = (outer, rest, { compare }) => {
      const at = { from: `${target.table} ${table}`, table, join: `${table}.id`, on: `${outer}.${column}` };
      return ofOthers(at, compare(rest, { type: target, table }));
    };
    return [table, { reach: (rest) => ({ target, rest }), isReference: true, condition }];
  });
  const referrers = [...recordTypes()].flatMap((target): [string, Path][] => {
    const columns = referencesOf(target).filter(({ reference }) => reference === type.contract.type);
    const [only, ...others] = target === type ? [] : columns;
    // With several references between two types, the plural would be ambiguous.
    if (!only || others.length > 0) return [];
    const table = snakeCase(target.plural);
    const condition: Path['condition'] = (outer, rest, { compare }) => {
      const at = { from: `${target.table} ${table}`, table, join: `${table}.${only.column}`, on: `${outer}.id` };
      return ofOthers(at, compare(rest, { type: target, table }));
    };
    return [[table, { reach: (rest) => ({ target, rest }), isReference: false, condition }]];
  });
  return new Map([...references, ...referrers, associations(type)]);
});

/** The type whose field a path of a filter names, and the rest of the path. */
export function fieldOfPath(type: RecordType, path: string): { type: RecordType; field: string } {
  const [first = '', ...names] = path.split('.');
  const other = pathsOf(type).get(snakeCase(first))?.reach(names);
  return other ? fieldOfPath(other.target, other.rest.join('.')) : { type, field: path };
}

function referencesOf({ contract }: RecordType) {
  return contract.fields.flatMap(({ column, reference, writable }) =>
    reference === undefined || writable === 'NEVER' ? [] : [{ column, reference }],
  );
}

/** Records with a related live record that satisfies a condition, joined by two columns. */
function ofOthers(
  { from, table, join, on }: { from: string; table: string; join: string; on: string },
  { row, index }: Condition,
): Condition {
  const live = `${table}.delete_time is null`;
  return {
    // OFFSET keeps it a lookup of few rows: as a join, it could become a scan of all.
    row: {
      sql: `exists (select from ${from} where ${join} = ${on} and ${live} and (${row.sql}) offset 0)`,
      params: row.params,
    },
    ...(index && {
      index: {
        sql: `${on} = any(array(select ${join} from ${from} where ${live} and (${index.sql})))`,
        params: index.params,
      },
    }),
  };
}

function associations(type: RecordType): [string, Path] {
  const reach: Path['reach'] = ([, ...names]) => {
    const { target = customerType(), rest = names } = typeOfAssociated(names) ?? {};
    return { target, rest: rest.length > 0 ? rest : ['id'] };
  };
  const condition: Path['condition'] = (outer, names, { compare, unknown }) => {
    const [linkType = ''] = names;
    if (!/^[a-z][a-z0-9_]{0,59}$/.test(linkType)) throw unknown('is not an association type');
    const { target, rest } = reach(names);
    return ofLinked({ type, outer, linkType, target }, compare(rest, { type: target, table: 'linked' }));
  };
  return ['associations', { reach, isReference: false, condition }];
}

/**
 * The type that a path begins with, and the rest of the path; undefined when it begins with a field. A name that customers have as a
 * field too, such as `emails`, is the type when a field follows it.
 */
function typeOfAssociated([first = '', ...rest]: string[]): { target: RecordType; rest: string[] } | undefined {
  const isField = customerType().contract.fields.some(({ name }) => snakeCase(name) === snakeCase(first));
  if (isField && rest.length === 0) return undefined;
  const target = [...recordTypes()].find(
    ({ plural, contract }) => contract.parent === undefined && snakeCase(plural) === snakeCase(first),
  );
  if (target) return { target, rest };
  const [parentKey, ...fields] = rest;
  const ofParent = parentKey === undefined ? undefined : typeOfParent(`${first}.${parentKey}`);
  return ofParent && { target: ofParent, rest: fields };
}

interface Linked {
  type: RecordType;
  /** Alias of the records' table in the condition. */
  outer: string;
  linkType: string;
  /** Of the records at the other end of the associations. */
  target: RecordType;
}

/** Records with an association of a type to a live record that satisfies a condition. */
function ofLinked({ type, outer, linkType, target }: Linked, { row, index }: Condition): Condition {
  const isOfCustomers = [type, target].every((each) => each.contract.type === customerType().contract.type);
  const { table, from, to } = isOfCustomers ? customerLinks : recordLinks;
  // The planner underestimates the number of a parent's records: associations find them.
  const ofParent = conditionOfParent(target, { table: 'linked', isTested: true });
  const live = `linked.delete_time is null${ofParent.sql}`;
  return {
    row: {
      sql:
        `exists (select from ${table} link join ${target.table} linked on linked.id = link.${to}` +
        ` where link.${from} = ${outer}.id and link.type = ? and ${live} and (${row.sql}) offset 0)`,
      params: [linkType, ...ofParent.params, ...row.params],
    },
    ...(index && {
      index: {
        sql:
          `${outer}.id = any(array(select link.${from} from ${table} link where link.type = ?` +
          ` and link.${to} = any(array(select linked.id from ${target.table} linked where ${live} and (${index.sql})))))`,
        params: [linkType, ...ofParent.params, ...index.params],
      },
    }),
  };
}
