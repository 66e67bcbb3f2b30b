import { FieldOrder } from '@rapport/contracts/rapport/api/v1/options';
import { invalidArgument } from '@rapport/platform';
import { customFieldKinds, kindOf } from '@rapport/contracts/filters';
import type { CustomFields } from '../../fields/custom-fields.js';
import type { RecordType } from '../../fields/record-type.js';
import { onceFor } from '../../values/once-for.js';
import { snakeCase } from '../../values/snake-case.js';

/** What a list is ordered by; records with the same value, or without any, by their ids in the same direction. */
export interface ListOrder {
  /** As in a filter, such as `display_name` or `custom_fields.seats`. */
  name: string;
  direction: 'asc' | 'desc';
  /** The column that has the values, or the custom field. */
  by: OrderColumn | { customField: string };
}

export interface OrderColumn {
  column: string;
  type: 'text' | 'timestamptz' | 'numeric';
  nullable: boolean;
  /** Whether deleted records have an index in this order. */
  ofDeleted: boolean;
}

const sqlTypes = { TEXT: 'text', DATE: 'text', MONEY: 'text', TIME: 'timestamptz', NUMBER: 'numeric' } as const;

/** The orders of a type by the names of their fields: texts first, as errors list them. */
const columnsOf = onceFor((type: RecordType): ReadonlyMap<string, OrderColumn> => {
  const columns = type.contract.fields.flatMap((field): [string, OrderColumn][] => {
    const { column, index, isRequired, writable } = field;
    if (index.order === FieldOrder.UNSPECIFIED) return [];
    const kind = kindOf(field);
    const isKept = kind === 'TIME' && writable === 'NEVER' && ['create_time', 'update_time'].includes(column);
    const ofDeleted = index.order === FieldOrder.ALL;
    const nullable = !isRequired && !isKept && !type.definition.alwaysSet?.includes(column);
    return [[column, { column: type.sortColumn(field), type: sqlTypes[kind], nullable, ofDeleted }]];
  });
  return new Map(columns);
});

/** The order when none is asked for. */
export function defaultOrder({ contract }: RecordType): string {
  return `${contract.options.order} desc`;
}

/**
 * @param customFields may be absent when `orderBy` names no custom field
 * @throws AppError INVALID_ARGUMENT ORDER_NOT_INDEXED that lists the orders that there are
 */
export function readOrder(
  type: RecordType,
  orderBy: string,
  live: boolean,
  customFields: CustomFields | undefined,
): ListOrder {
  const [, path = '', direction] = /^\s*(\S+?)(?:\s+(asc|desc))?\s*$/.exec(orderBy) ?? [];
  const [first = '', key, ...deeper] = path.split('.');
  const name = [snakeCase(first), ...(key === undefined ? [] : [key])].join('.');
  const by = deeper.length > 0 ? undefined : orderSource(type, name, key, live, customFields);
  if (by) return { name, direction: direction === 'desc' ? 'desc' : 'asc', by };
  const columns = columnsOf(type);
  const known = [...columns.keys()].filter((column) => live || columns.get(column)?.ofDeleted);
  const isCustom = live && type.contract.options.customFields;
  const choice = isCustom ? [...known, 'custom_fields.<key> of a type that has an order'] : known;
  const description = `must be one of ${choice.join(', ')}, and may be followed by " desc"`;
  throw invalidArgument([{ field: 'orderBy', reason: 'ORDER_NOT_INDEXED', description }]);
}

function orderSource(
  type: RecordType,
  name: string,
  key: string | undefined,
  live: boolean,
  customFields: CustomFields | undefined,
): ListOrder['by'] | undefined {
  if (name.startsWith('custom_fields.') && key !== undefined) {
    const definition = customFields?.get(key);
    return live && definition && customFieldKinds[definition.type].order ? { customField: key } : undefined;
  }
  const column = columnsOf(type).get(name);
  return column && (live || column.ofDeleted) ? column : undefined;
}

/** Whether records can be without a value of the order. */
export function isNullable({ by }: ListOrder): boolean {
  return 'customField' in by || by.nullable;
}

/** Where a list goes on after a record: its value, null when it has none, and its id. */
export type ListPosition = [value: string | null, id: string];
