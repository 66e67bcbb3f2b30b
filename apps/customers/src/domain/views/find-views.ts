import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import type { ListViewsRequest, ListViewsResponse } from '@rapport/contracts/rapport/work/v1/views_service';
import { readPageToken, signPageToken, type PageTokenKey } from '@rapport/persistence';
import { allows, AppError, currentCaller, ownerIdOf, permissionMissing } from '@rapport/platform';
import { isHiding } from '../../engine/fields/hidden-data.js';
import { SavedView } from './view.entity.js';
import { viewMessage } from './view-message.js';

const defaultPageSize = 20;
/** Permission to change shared views of other owners. */
const curating = 'workspace.configure';

/** @throws AppError NOT_FOUND */
export async function findView(em: EntityManager, id: string, lockMode = LockMode.NONE): Promise<SavedView> {
  const view = await em.findOne(SavedView, { id, ...visible() }, { lockMode });
  if (view) return view;
  throw new AppError('NOT_FOUND', 'VIEW_NOT_FOUND', 'There is no such view.');
}

/**
 * A view that the caller may change, locked.
 *
 * @throws AppError NOT_FOUND, and PERMISSION_DENIED for a shared view of another owner
 */
export async function findChangeable(em: EntityManager, id: string): Promise<SavedView> {
  const view = await findView(em, id, LockMode.PESSIMISTIC_WRITE);
  const { principalId, permissions } = currentCaller();
  if (view.ownerId === ownerIdOf(principalId) || allows(permissions, curating)) return view;
  throw permissionMissing(curating);
}

/** Handles ListViews: returns the page that starts after the id in the page token. */
export async function listViews(
  em: EntityManager,
  pageTokenKey: PageTokenKey,
  { resource, pageSize = defaultPageSize, pageToken }: ListViewsRequest,
): Promise<ListViewsResponse> {
  const { tenantId, principalId } = currentCaller();
  const binding = JSON.stringify(['ListViews', tenantId, principalId, resource ?? null]);
  const [after] = pageToken === undefined ? [] : readPageToken(pageTokenKey, binding, pageToken);
  const views = await em.find(
    SavedView,
    { ...visible(), ...(resource !== undefined && { resource }), ...(after && { id: { $gt: after } }) },
    // One more than the page holds shows whether there is a next page.
    { orderBy: { id: 'asc' }, limit: pageSize + 1 },
  );
  const page = views.slice(0, pageSize);
  const last = views.length > pageSize ? page.at(-1) : undefined;
  return {
    views: page.map(viewMessage),
    nextPageToken: last && signPageToken(pageTokenKey, binding, [last.id]),
  };
}

/** The views that the caller can see. A principal that can own nothing sees the shared ones. */
function visible() {
  const { tenantId, principalId } = currentCaller();
  const ownerId = ownerIdOf(principalId);
  const seen = ownerId === undefined ? { isShared: true } : { $or: [{ isShared: true }, { ownerId }] };
  return { tenantId, ...seen, ...(isHiding() && { isPersonal: false }) };
}
