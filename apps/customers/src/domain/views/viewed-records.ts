import type { EntityManager } from '@mikro-orm/postgresql';
import { parseFilter, restrictionsOf } from '@rapport/contracts/filters';
import { allows, AppError, currentCaller, invalidArgument, permissionMissing } from '@rapport/platform';
import type { LoggedTypes } from '../../engine/changes/log/logged-types.js';
import { isPersonalPath } from '../../engine/fields/hidden-data.js';
import type { RecordType } from '../../engine/fields/record-type.js';
import { fieldOfPath } from '../../engine/query/filter/filter-paths.js';
import { conditionsOf } from '../../engine/query/list/list-conditions.js';
import { checkParent } from '../../engine/records/parents.js';
import type { ViewContent } from './view-message.js';

/**
 * The type of the records that a view lists.
 *
 * @param resource path of their list, such as `customers` or `objects/subscription/records`
 * @throws AppError INVALID_ARGUMENT RECORD_TYPE_UNKNOWN; PERMISSION_DENIED for a caller that cannot read the records
 */
export async function viewedType(em: EntityManager, types: LoggedTypes, resource: string): Promise<RecordType> {
  const found = types.types
    .flatMap(({ record }) => (record ? [record] : []))
    .map((record) => ofResource(record, resource))
    .find((record) => record !== undefined);
  if (!found) throw unknownResource();
  const { permission } = found.contract;
  const needed = found.parentKey === undefined ? `${permission}.read` : `${permission}.${found.parentKey}.read`;
  if (!allows(currentCaller().permissions, needed)) throw permissionMissing(needed);
  await checkParent(em, found).catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'NOT_FOUND') throw unknownResource();
    throw error;
  });
  return found;
}

/** The type, or its records of the parent, if `resource` is their path. */
function ofResource(type: RecordType, resource: string): RecordType | undefined {
  const { collection, parent } = type.contract;
  if (parent === undefined) return collection === resource ? type : undefined;
  const [before = '', after = ''] = collection.split(`{${parent}}`);
  if (!resource.startsWith(before) || !resource.endsWith(after)) return undefined;
  const key = resource.slice(before.length, resource.length - after.length);
  return /^[a-z][a-z0-9_]{0,59}$/.test(key) ? type.of(key) : undefined;
}

function unknownResource(): AppError {
  const description = 'must be the path of a list of records, such as customers';
  return invalidArgument([{ field: 'view.resource', reason: 'RECORD_TYPE_UNKNOWN', description }]);
}

/**
 * Checks the filter and the order of a view as the list does. `me` in the filter is the reader of the view.
 *
 * @throws AppError as `conditionsOf` does, with the fields of the view
 */
export async function checkQuery(em: EntityManager, type: RecordType, content: ViewContent): Promise<void> {
  const { filter, orderBy } = content;
  try {
    const request = { ...(filter !== null && { filter }), ...(orderBy !== null && { orderBy }) };
    await conditionsOf(em, type, request, anyReader);
  } catch (error) {
    if (!(error instanceof AppError) || error.violations.length === 0) throw error;
    const { code, reason, message, metadata } = error;
    const violations = error.violations.map((each) => ({ ...each, field: `view.${each.field}` }));
    throw new AppError(code, reason, message, { metadata, violations });
  }
}

/** In place of a reader's id, which the check of a filter does not depend on. */
const anyReader = '00000000-0000-0000-0000-000000000000';

/** Whether a valid filter of the type is on personal data. */
export function isOnPersonalData(type: RecordType, filter: string | null): boolean {
  const tree = parseFilter(filter ?? '');
  if (!tree) return false;
  return restrictionsOf(tree).some(({ field }) => {
    const named = fieldOfPath(type, field);
    return isPersonalPath(named.type, named.field);
  });
}
