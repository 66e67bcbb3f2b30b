import type { EntityManager } from '@mikro-orm/postgresql';
import { CustomFields } from '../../fields/custom-fields.js';
import { compileFilter } from '../filter/compile-filter.js';
import type { Condition } from '../filter/condition.js';
import { snakeCase } from '../../values/snake-case.js';
import { parseFilter, restrictionsOf } from '../filter/parse-filter.js';
import { hiddenError, isHiding, refuseHidden } from '../../fields/hidden-data.js';
import { ownedCustomers } from '../owned-customers.js';
import { refuseSealed } from '../filter/refuse-sealed.js';
import { defaultOrder, readOrder, type ListOrder } from './list-order.js';
import { searchConditions } from './search-conditions.js';

/** What a request says about which customers it is about, and in which order. */
export interface ListRequest {
  filter?: string | undefined;
  q?: string | undefined;
  orderBy?: string | undefined;
  showDeleted?: boolean | undefined;
}

/**
 * Reads the filter, `q` and order of a request. The tenant's custom fields are loaded only when they are named.
 *
 * @throws AppError PERMISSION_DENIED FIELD_HIDDEN for what the caller may not see
 * @throws AppError INVALID_ARGUMENT as parseFilter, compileFilter, searchConditions and readOrder say
 */
export async function conditionsOf(
  em: EntityManager,
  { filter = '', q = '', orderBy = defaultOrder, showDeleted = false }: ListRequest,
): Promise<{ order: ListOrder; conditions: Condition[] }> {
  const tree = parseFilter(filter);
  const filtered = tree ? restrictionsOf(tree).map(({ field }) => field) : [];
  refuseHidden(filtered, 'filter');
  refuseHidden([orderBy.trim().split(/\s/)[0] ?? ''], 'orderBy');
  if (q !== '' && isHiding()) throw hiddenError('displayName', 'q');
  refuseSealed({ orderBy, q });
  const customFields = await customFieldsIn(em, [orderBy, ...filtered]);
  const live = !showDeleted;
  return {
    order: readOrder(orderBy, live, customFields),
    conditions: [
      ...(tree ? compileFilter(filter, tree, { live, customFields }) : []),
      ...searchConditions(q),
      ...ownedCustomers(),
    ],
  };
}

/**
 * Reads a filter that is about customers themselves: what it says of a customer changes with that one only.
 *
 * @throws AppError as `conditionsOf` does for the filter
 */
export async function ownConditions(em: EntityManager, filter: string): Promise<Condition[]> {
  const tree = parseFilter(filter);
  if (!tree) return [];
  const filtered = restrictionsOf(tree).map(({ field }) => field);
  refuseHidden(filtered, 'filter');
  return compileFilter(filter, tree, {
    live: true,
    isOwnOnly: true,
    customFields: await customFieldsIn(em, filtered),
  });
}

/** The tenant's definitions; undefined when none of the fields is custom. */
async function customFieldsIn(em: EntityManager, fields: readonly string[]): Promise<CustomFields | undefined> {
  const isCustom = fields.some((name) => snakeCase(name).includes('custom_fields.'));
  return isCustom ? CustomFields.load(em) : undefined;
}
