import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { FieldViolation } from '@rapport/platform';
import { customFieldPath } from '../../fields/custom-fields.js';
import { type ListField } from '../../records/customers/customer-lists.js';
import { customerType } from '../../records/customers/customer-type.js';
import { maxItems } from '../../write/record-rules.js';

/**
 * Takes out of a customer the values that violations name: an item of a list as a whole, unless only what it is for is
 * wrong, and of an address the part.
 *
 * @returns each violation with the value that it took out
 */
export function leaveOut(
  customer: Customer,
  violations: FieldViolation[],
): { violation: FieldViolation; value: unknown }[] {
  const indexes = new Map<ListField, Set<number>>();
  const out = violations.map((violation) => ({ violation, value: takeOut(customer, violation, indexes) }));
  for (const [list, wrong] of indexes) {
    const kept = (customer[list] as unknown[]).filter((_, index) => !wrong.has(index));
    Object.assign(customer, { [list]: kept });
  }
  return out;
}

/** Notes in `indexes` the items that must go: taking them out at once would move those after them. */
function takeOut(customer: Customer, { field, reason }: FieldViolation, indexes: Map<ListField, Set<number>>): unknown {
  if (field.startsWith('customFields.')) return takeCustomValue(customer, field);
  const [, name = '', index, part] = /^(\w+)(?:\[(\d+)\](?:\.(\w+))?)?$/.exec(field) ?? [];
  if (!isListName(name)) return takeProperty(customer, name);
  const list: unknown[] = customer[name];
  if (index === undefined) return list.splice(reason === 'TOO_MANY_ITEMS' ? (maxItems(customerType())[name] ?? 0) : 0);
  const item = list[Number(index)];
  if (part !== undefined && (name === 'addresses' || part === 'label')) return takeProperty(item as object, part);
  indexes.set(name, (indexes.get(name) ?? new Set()).add(Number(index)));
  return part === undefined ? item : (item as Record<string, unknown>)[part];
}

/** A path does not have the whole of a key that is too long. */
function takeCustomValue(customer: Customer, path: string): unknown {
  const key = Object.keys(customer.customFields ?? {}).find((name) => customFieldPath(name) === path) ?? '';
  const { [key]: value, ...others } = customer.customFields ?? {};
  customer.customFields = Object.keys(others).length > 0 ? others : undefined;
  return value;
}

function takeProperty(owner: object, name: string): unknown {
  const properties = owner as Record<string, unknown>;
  const value = properties[name];
  properties[name] = undefined;
  return value;
}

function isListName(name: string): name is ListField {
  return Object.hasOwn(maxItems(customerType()), name);
}
