import { snakeCase } from '@rapport/contracts';
import { parseFilter, restrictionsOf } from '@rapport/contracts/filters';
import type { ChangeEntry } from '../../engine/changes/log/change-entry.js';
import { filterFields } from '../../engine/fields/filter-fields.js';
import type { RecordType } from '../../engine/fields/record-type.js';
import { pathsOf } from '../../engine/query/filter/filter-paths.js';
import { customerType } from '../../engine/records/customers/customer-type.js';
import { customerLinks, recordLinks } from '../../engine/records/referring/link-tables.js';
import { segmentMembers } from './segment-members.js';

/** Changes of records that can change whether customers meet a filter. */
export interface Concern {
  /** Name of the records in the change log. */
  type: string;
  /** The columns that the filter reads. Absent when any change counts. */
  columns?: ReadonlySet<string>;
  /** The columns of a change with ids of customers that it concerns, also by former values. */
  customersIn: readonly string[];
  /**
   * SQL of the customers that records concern now, as `record_id` and `customer_id`, from the ids of the records in `$2` for the
   * tenant in `$1`. Absent for records that are the customers.
   */
  customersOf?: string;
}

/** The changes that can change whether customers meet a filter, or are members of the excluded segments. */
export function concernsOf(filter: string, excludesSegments: boolean): Concern[] {
  const tree = parseFilter(filter);
  const fields = tree ? restrictionsOf(tree).map(({ field }) => field) : [];
  return [
    { type: customerType().table, columns: new Set(), customersIn: [] },
    ...[...new Set(fields)].flatMap((field) => concernsOfField(field.split('.'))),
    ...(excludesSegments ? [ofReferrer(segmentMembers, 'customer_id', ['id'])] : []),
  ];
}

/** Whether a change can change the result of a filter. Creating, removing or restoring a record affects all of its fields. */
export function isConcerned({ type, columns }: Concern, change: ChangeEntry): boolean {
  if (change.type !== type) return false;
  if (!columns || change.operation !== 'UPDATE' || change.changed_fields === null) return true;
  return change.changed_fields.some((column) => columns.has(column));
}

/** The ids of customers that a change names itself, also by former values. */
export function namedCustomers({ customersIn }: Concern, { before, after }: ChangeEntry): string[] {
  if (customersIn.length === 0) return [];
  const values = [before, after].flatMap((text) =>
    text === null ? [] : [JSON.parse(text) as Record<string, unknown>],
  );
  return values.flatMap((value) => customersIn.map((column) => value[column])).filter((id) => typeof id === 'string');
}

function concernsOfField(names: readonly string[]): Concern[] {
  const type = customerType();
  const [first = '', ...rest] = names;
  const path = pathsOf(type).get(snakeCase(first));
  if (!path) return [{ type: type.table, ...readColumns(type, names), customersIn: [] }];
  if (path.isReference) return ofReference(snakeCase(first), rest);
  const { target, rest: field } = path.reach(rest);
  if (first === 'associations') return ofAssociation(target, field);
  const column = target.contract.fields.find(
    ({ reference, writable }) => reference === type.contract.type && writable !== 'NEVER',
  )?.column;
  if (column === undefined) throw new Error(`${target.plural} refer to no customer.`);
  return [ofReferrer(target, column, field)];
}

/** Conditions on the company of a customer, and on that of the company. */
function ofReference(name: string, rest: readonly string[]): Concern[] {
  const type = customerType();
  const column = `${name}_id`;
  const [next = '', ...deeper] = rest;
  const isDeeper = pathsOf(type).get(snakeCase(next))?.isReference === true;
  const field = isDeeper ? deeper : rest;
  const own = { type: type.table, columns: new Set([column]), customersIn: [] };
  const direct = `select ${column} as record_id, id as customer_id from customer where tenant_id = $1 and ${column} = any ($2::uuid[])`;
  if (!isDeeper) return [own, { type: type.table, ...readColumns(type, field), customersIn: [], customersOf: direct }];
  const between = `${snakeCase(next)}_id`;
  const indirect = `select other.${between} as record_id, customer.id as customer_id
    from customer other join customer on customer.tenant_id = $1 and customer.${column} = other.id
    where other.tenant_id = $1 and other.${between} = any ($2::uuid[])`;
  return [
    own,
    { type: type.table, columns: new Set([between]), customersIn: [], customersOf: direct },
    { type: type.table, ...readColumns(type, field), customersIn: [], customersOf: indirect },
  ];
}

/** Conditions on records that refer to the customer. */
function ofReferrer(target: RecordType, column: string, field: readonly string[]): Concern {
  const { columns } = readColumns(target, field);
  return {
    type: target.table,
    ...(columns && { columns: new Set([...columns, column]) }),
    customersIn: [column],
    customersOf: `select id as record_id, ${column} as customer_id from ${target.table}
      where tenant_id = $1 and id = any ($2::uuid[]) and ${column} is not null`,
  };
}

/** Conditions on records that are associated with the customer. */
function ofAssociation(target: RecordType, field: readonly string[]): Concern[] {
  const isOfCustomers = target.contract.type === customerType().contract.type;
  const { table, from, to } = isOfCustomers ? customerLinks : recordLinks;
  const ends = [customerLinks, recordLinks].map((links) => links.from);
  return [
    {
      type: 'association',
      customersIn: ends,
      customersOf: `select id as record_id, ${from} as customer_id from ${table}
      where tenant_id = $1 and id = any ($2::uuid[])`,
    },
    {
      type: target.table,
      ...readColumns(target, field),
      customersIn: [],
      customersOf: `select ${to} as record_id, ${from} as customer_id from ${table}
        where tenant_id = $1 and ${to} = any ($2::uuid[])`,
    },
  ];
}

/** The columns that a comparison of a field reads. None for a field that each change may change. */
function readColumns(type: RecordType, path: readonly string[]): { columns?: ReadonlySet<string> } {
  if (path[0] === 'customFields') return { columns: new Set(['custom_fields']) };
  const named = filterFields(type).get(path.join('.'));
  if (!named) return {};
  const column = named.list?.column ?? named.field.column;
  if (column === 'update_time') return {};
  // Phones are found by their numbers within the country of the first address.
  return { columns: new Set(column === 'phones' ? ['phones', 'addresses'] : [column]) };
}
