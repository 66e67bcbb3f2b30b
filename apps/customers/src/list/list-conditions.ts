import type { EntityManager } from '@mikro-orm/postgresql';
import { CustomFields } from '../custom-fields/custom-fields.js';
import { compileFilter } from '../filter/compile-filter.js';
import type { Condition } from '../filter/condition.js';
import { snakeCase } from '../filter/filter-fields.js';
import { parseFilter, restrictionsOf } from '../filter/parse-filter.js';
import { hiddenError, isHiding, refuseHidden } from '../privacy/hidden-data.js';
import { ownedCustomers } from '../record-scope/owned-customers.js';
import { refuseSealed } from '../sealing/refuse-sealed.js';
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
  const names = [orderBy, ...filtered];
  const isCustom = names.some((name) => snakeCase(name).includes('custom_fields.'));
  const customFields = isCustom ? await CustomFields.load(em) : undefined;
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
