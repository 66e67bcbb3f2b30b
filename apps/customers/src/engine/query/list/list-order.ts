import { camelCase, camelPath, enumNames, snakeCase } from '@rapport/contracts';
import { invalidArgument, type ViolationCode } from '@rapport/platform';
import { customFieldKinds, orderFieldsOf } from '@rapport/contracts/filters';
import { indexKey, type CustomFields } from '../../fields/custom-fields.js';
import type { RecordType } from '../../fields/record-type.js';
import { onceFor } from '../../values/once-for.js';

/** Most orders of one list. */
const maxOrders = 3;

/**
 * An order of a list. Records with equal or absent values follow in the list's next order; after the last order by
 * their ids, in its direction.
 */
export interface ListOrder {
  /** In the names of the contract, such as `display_name` or `custom_fields.seats`. */
  name: string;
  direction: 'asc' | 'desc';
  /** The column with the sort key, or the `indexKey` of the custom field. */
  by: OrderColumn | { customField: string };
}

export interface OrderColumn {
  column: string;
  type: 'text' | 'timestamptz' | 'numeric' | 'int';
  nullable: boolean;
  /** Whether live records have an index in this order. */
  ofLive: boolean;
  /** Whether deleted records have one. */
  ofDeleted: boolean;
  /** For an enum: its values in their order. It has no index, but the terms of records find each value. */
  names?: readonly string[];
}

/** A requested order. */
export interface RequestedOrder {
  /** In lowerCamelCase, such as `customFields.seats`. */
  path: string;
  direction: 'asc' | 'desc';
}

const sqlTypes = {
  TEXT: 'text',
  DATE: 'text',
  MONEY: 'text',
  TIME: 'timestamptz',
  NUMBER: 'numeric',
  ENUM: 'int',
} as const;

/** Times that are never null. */
const requiredTimes = new Set(['create_time', 'update_time', 'delete_time']);

/** The orders of a type by the names of their fields, as errors list them. */
const columnsOf = onceFor((type: RecordType): ReadonlyMap<string, OrderColumn> => {
  const columns = orderFieldsOf(type.contract).map(({ field, kind, ofLive, ofDeleted }): [string, OrderColumn] => {
    const { column, isRequired, writable, desc } = field;
    const isAlwaysSet = isRequired || type.definition.alwaysSet?.includes(column) === true;
    const isKept = kind === 'TIME' && writable === 'NEVER' && requiredTimes.has(column);
    const order = { type: sqlTypes[kind], nullable: !isKept && !isAlwaysSet, ofLive, ofDeleted };
    return [
      column,
      desc.enum ? { ...order, column, names: enumNames(desc.enum) } : { ...order, column: type.sortColumn(field) },
    ];
  });
  return new Map(columns);
});

/** The default order. */
export function defaultOrder({ contract }: RecordType): string {
  return `${camelCase(contract.options.order)} desc`;
}

/** Parses comma-separated `field` and `field desc`. Anything else becomes a path that no field has. */
export function requestedOrders(orderBy: string): RequestedOrder[] {
  return orderBy.split(',').map((text) => {
    const [, path = text.trim(), direction] = /^\s*(\S+?)(?:\s+(asc|desc))?\s*$/.exec(text) ?? [];
    return { path: camelPath(path), direction: direction === 'desc' ? 'desc' : 'asc' };
  });
}

/**
 * The orders of a list, the last of which has an index: an enum at the end is followed by the type's default order.
 *
 * @param customFields may be absent when no custom field is named
 * @throws AppError INVALID_ARGUMENT ORDER_NOT_INDEXED that lists the available orders, DUPLICATE and
 *   TOO_MANY_ORDERS
 */
export function readOrders(
  type: RecordType,
  asked: readonly RequestedOrder[],
  live: boolean,
  customFields: CustomFields | undefined,
): ListOrder[] {
  if (asked.length > maxOrders) throw orderError('TOO_MANY_ORDERS', `must have at most ${maxOrders} orders`);
  const repeated = asked.find(({ path }, place) => asked.findIndex((each) => each.path === path) < place);
  if (repeated) throw orderError('DUPLICATE', `names ${repeated.path} twice`);
  const orders = asked.map((each) => orderOf(type, each, live, customFields));
  const last = orders.at(-1);
  if (last && !namesOf(last)) return orders;
  return [...orders, ...requestedOrders(defaultOrder(type)).map((each) => orderOf(type, each, live, customFields))];
}

/** The values of an enum in their order; undefined for an order with an index. */
export function namesOf({ by }: ListOrder): readonly string[] | undefined {
  return 'customField' in by ? undefined : by.names;
}

function orderOf(
  type: RecordType,
  { path, direction }: RequestedOrder,
  live: boolean,
  customFields: CustomFields | undefined,
): ListOrder {
  const [first = '', key, ...deeper] = path.split('.');
  const name = [snakeCase(first), ...(key === undefined ? [] : [key])].join('.');
  const by = deeper.length > 0 ? undefined : orderSource(type, name, key, live, customFields);
  if (by) return { name, direction, by };
  const known = [...columnsOf(type)].flatMap(([column, { ofLive, ofDeleted }]) =>
    (live ? ofLive : ofDeleted) ? camelCase(column) : [],
  );
  const isCustom = live && type.contract.options.customFields;
  const choice = isCustom ? [...known, 'customFields.<key> of a type that has an order'] : known;
  throw orderError(
    'ORDER_NOT_INDEXED',
    `must be one of ${choice.join(', ')}, or up to ${maxOrders} of them with commas between; each may be followed by " desc"`,
  );
}

function orderError(reason: ViolationCode, description: string) {
  return invalidArgument([{ field: 'orderBy', reason, description }]);
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
    return live && definition && customFieldKinds[definition.type].order
      ? { customField: indexKey(definition) }
      : undefined;
  }
  const column = columnsOf(type).get(name);
  return column && (live ? column.ofLive : column.ofDeleted) ? column : undefined;
}

/** Whether records may lack a value of the order. */
export function isNullable({ by }: ListOrder): boolean {
  return 'customField' in by || by.nullable;
}

/** The position after a record: its value of each order, null when absent, and its id. */
export interface ListPosition {
  values: readonly (string | null)[];
  id: string;
}
