import { invalidArgument } from '@rapport/platform';
import { customFieldKinds } from '../../fields/custom-field-value.js';
import type { CustomFields } from '../../fields/custom-fields.js';
import { snakeCase } from '../../values/snake-case.js';

/** What a list is ordered by; customers with the same value, or without any, by their ids in the same direction. */
export interface ListOrder {
  /** As in a filter, such as `display_name` or `custom_fields.seats`. */
  name: string;
  direction: 'asc' | 'desc';
  /** The column of customer that has the values, or the custom field. */
  by: OrderColumn | { customField: string };
}

export interface OrderColumn {
  column: 'sort_name' | 'family_sort_name' | 'company_sort_name' | 'create_time' | 'update_time';
  type: 'text' | 'timestamptz';
  nullable: boolean;
  /** Whether deleted customers have an index in this order. */
  ofDeleted: boolean;
}

const columns: Readonly<Record<string, OrderColumn>> = {
  display_name: { column: 'sort_name', type: 'text', nullable: false, ofDeleted: true },
  family_name: { column: 'family_sort_name', type: 'text', nullable: true, ofDeleted: false },
  company_name: { column: 'company_sort_name', type: 'text', nullable: true, ofDeleted: false },
  create_time: { column: 'create_time', type: 'timestamptz', nullable: false, ofDeleted: true },
  update_time: { column: 'update_time', type: 'timestamptz', nullable: false, ofDeleted: true },
};

/** The order when none is asked for. */
export const defaultOrder = 'create_time desc';

/**
 * @param customFields may be absent when `orderBy` names no custom field
 * @throws AppError INVALID_ARGUMENT ORDER_NOT_INDEXED that lists the orders that there are
 */
export function readOrder(orderBy: string, live: boolean, customFields: CustomFields | undefined): ListOrder {
  const [, path = '', direction] = /^\s*(\S+?)(?:\s+(asc|desc))?\s*$/.exec(orderBy) ?? [];
  const [first = '', key, ...deeper] = path.split('.');
  const name = [snakeCase(first), ...(key === undefined ? [] : [key])].join('.');
  const by = deeper.length > 0 ? undefined : orderSource(name, key, live, customFields);
  if (by) return { name, direction: direction === 'desc' ? 'desc' : 'asc', by };
  const known = Object.keys(columns).filter((column) => live || columns[column]?.ofDeleted);
  const choice = live ? [...known, 'custom_fields.<key> of a type that has an order'] : known;
  const description = `must be one of ${choice.join(', ')}, and may be followed by " desc"`;
  throw invalidArgument([{ field: 'orderBy', reason: 'ORDER_NOT_INDEXED', description }]);
}

function orderSource(
  name: string,
  key: string | undefined,
  live: boolean,
  customFields: CustomFields | undefined,
): ListOrder['by'] | undefined {
  if (name.startsWith('custom_fields.') && key !== undefined) {
    const definition = customFields?.get(key);
    return live && definition && customFieldKinds[definition.type].order ? { customField: key } : undefined;
  }
  const column = Object.hasOwn(columns, name) ? columns[name] : undefined;
  return column && (live || column.ofDeleted) ? column : undefined;
}

/** Whether customers can be without a value of the order. */
export function isNullable({ by }: ListOrder): boolean {
  return 'customField' in by || by.nullable;
}

/** Where a list goes on after a customer: its value, null when it has none, and its id. */
export type ListPosition = [value: string | null, id: string];
