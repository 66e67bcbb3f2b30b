import type { EntityManager } from '@mikro-orm/postgresql';
import { snakeCase } from '@rapport/contracts';
import { hasDays, parseFilter, restrictionsOf, type Filter, type Present } from '@rapport/contracts/filters';
import type { StatementTransaction } from '@rapport/persistence';
import { callingUserId } from '@rapport/platform';
import { CustomFields } from '../../fields/custom-fields.js';
import { compileFilter } from '../filter/compile-filter.js';
import type { Condition } from '../filter/condition.js';
import { fieldOfPath } from '../filter/filter-paths.js';
import { hiddenError, isHiding, isPersonalPath, refuseHidden } from '../../fields/hidden-data.js';
import { ownedRecords } from '../owned-records.js';
import type { RecordType } from '../../fields/record-type.js';
import { refuseSealed } from '../filter/refuse-sealed.js';
import { defaultTimeZone, workspaceTimeZone } from '../workspace-time-zone.js';
import { requestedOrders, defaultOrder, readOrders, type ListOrder } from './list-order.js';
import { searchConditions } from './search-conditions.js';

/** The filter, search and orders of a request. */
export interface ListRequest {
  filter?: string | undefined;
  q?: string | undefined;
  orderBy?: string | undefined;
  showDeleted?: boolean | undefined;
}

/**
 * Reads the filter, `q` and orders of a request. A type's custom field definitions are loaded only when the request
 * names custom fields.
 *
 * @param userId the user that `me` stands for in the filter
 * @throws AppError PERMISSION_DENIED FIELD_HIDDEN for fields hidden from the caller
 * @throws AppError INVALID_ARGUMENT as parseFilter, compileFilter, searchConditions and readOrders say
 */
export async function conditionsOf(
  em: EntityManager,
  type: RecordType,
  { filter = '', q = '', orderBy = defaultOrder(type), showDeleted = false }: ListRequest,
  userId = callingUserId(),
): Promise<{ orders: ListOrder[]; conditions: Condition[] }> {
  const tree = parseFilter(filter);
  const filtered = tree ? restrictionsOf(tree).map(({ field }) => field) : [];
  refuseHiddenIn(type, filtered);
  const asked = requestedOrders(orderBy);
  const ordered = asked.map(({ path }) => path);
  refuseHidden(type, ordered, 'orderBy');
  refuseSearch(type, q);
  for (const path of ordered) refuseSealed(type, { orderBy: path, q });
  const customFields = await customFieldsIn(em, type, [...ordered, ...filtered]);
  const live = !showDeleted;
  return {
    orders: readOrders(type, asked, live, customFields.get(type.name)),
    conditions: [
      ...(tree
        ? compileFilter(filter, tree, { type, live, customFields, userId, present: await presentOf(em, tree) })
        : []),
      ...searchConditions(type, q),
      ...ownedRecords(type),
    ],
  };
}

/**
 * Reads a filter without conditions on other records: its result for a record changes with that record only.
 *
 * @throws AppError as `conditionsOf` does for the filter
 */
export function ownConditions(em: EntityManager, type: RecordType, filter: string): Promise<Condition[]> {
  return filterConditions(em, type, filter, { isOwnOnly: true, userId: callingUserId() });
}

/**
 * Reads a filter on live records.
 *
 * @param now the reference point of its relative times, the present by default
 * @param userId the user that `me` stands for; none by default, since most of these filters are stored
 * @throws AppError as `conditionsOf` does for the filter
 */
export async function filterConditions(
  source: EntityManager | StatementTransaction,
  type: RecordType,
  filter: string,
  { now, isOwnOnly = false, userId }: { now?: Date; isOwnOnly?: boolean; userId?: string | undefined } = {},
): Promise<Condition[]> {
  const tree = parseFilter(filter);
  if (!tree) return [];
  const filtered = restrictionsOf(tree).map(({ field }) => field);
  refuseHiddenIn(type, filtered);
  return compileFilter(filter, tree, {
    type,
    live: true,
    isOwnOnly,
    userId,
    customFields: await customFieldsIn(source, type, filtered),
    present: await presentOf(source, tree, now),
  });
}

/** The time zone is read only for a filter with dates. */
export async function presentOf(
  source: EntityManager | StatementTransaction,
  tree: Filter,
  now = new Date(),
): Promise<Present> {
  return { now, timeZone: hasDays(tree) ? await workspaceTimeZone(source) : defaultTimeZone };
}

/** Refuses a filter on hidden fields, of the records themselves or of others. */
function refuseHiddenIn(type: RecordType, paths: readonly string[]): void {
  if (!isHiding()) return;
  const hidden = paths.find((path) => {
    const named = fieldOfPath(type, path);
    return isPersonalPath(named.type, named.field);
  });
  if (hidden !== undefined) throw hiddenError(hidden, 'filter');
}

/** @throws AppError PERMISSION_DENIED FIELD_HIDDEN for a search by a caller without access to personal data */
export function refuseSearch(type: RecordType, q: string): void {
  if (q !== '' && isHiding()) throw hiddenError(searchedField(type), 'q');
}

/** A searchable field that is hidden from callers without access to personal data. */
function searchedField(type: RecordType): string {
  const personal = type.namedFields.find(({ field }) => field.index.search && field.isPersonal);
  return (personal?.list ?? personal?.field)?.name ?? 'q';
}

/** Custom field definitions of the types whose custom fields are named. */
export async function customFieldsIn(
  source: EntityManager | StatementTransaction,
  type: RecordType,
  fields: readonly string[],
): Promise<ReadonlyMap<string, CustomFields>> {
  const custom = fields.filter((name) => snakeCase(name).includes('custom_fields.'));
  const types = new Set(custom.map((name) => fieldOfPath(type, name).type));
  const loaded = new Map<string, CustomFields>();
  for (const each of types) loaded.set(each.name, await CustomFields.load(source, each));
  return loaded;
}
