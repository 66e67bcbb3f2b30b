import type { EntityManager } from '@mikro-orm/postgresql';
import { readMask, type Updatable } from '@rapport/contracts';
import type {
  CreateViewRequest,
  DeleteViewRequest,
  UpdateViewRequest,
  View,
} from '@rapport/contracts/rapport/work/v1/views_service';
import { checkEtag } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument, ownerIdOf } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import type { LoggedTypes } from '../../engine/changes/log/logged-types.js';
import { sameValue } from '../../engine/values/same-value.js';
import { findChangeable } from './find-views.js';
import { SavedView } from './view.entity.js';
import { viewContent, viewMessage } from './view-message.js';
import { checkQuery, isOnPersonalData, viewedType } from './viewed-records.js';

/** Most views of one owner. */
const maxViews = 200;

/** Handles CreateView. Runs in a transaction. */
export async function createView(em: EntityManager, types: LoggedTypes, { view }: CreateViewRequest): Promise<View> {
  if (!view) throw missingView();
  const { tenantId, principalId } = currentCaller();
  const ownerId = ownerIdOf(principalId);
  if (ownerId === undefined) {
    throw new AppError('PERMISSION_DENIED', 'USER_NEEDED', 'A view needs an owner: a user or an API key.');
  }
  const type = await viewedType(em, types, view.resource);
  const content = viewContent(view);
  await checkQuery(em, type, content);
  await checkRoom(em, tenantId, ownerId);
  const now = new Date();
  const stored = em.create(SavedView, {
    ...content,
    ...{ tenantId, id: uuidv7(), ownerId, resource: view.resource, version: 1, createTime: now, updateTime: now },
    isPersonal: isOnPersonalData(type, content.filter ?? null),
  });
  await em.flush();
  return viewMessage(stored);
}

/** Runs under a lock of the owner: views of an owner are created one after the other. */
async function checkRoom(em: EntityManager, tenantId: string, ownerId: string): Promise<void> {
  await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`saved_view ${tenantId} ${ownerId}`]);
  if ((await em.count(SavedView, { tenantId, ownerId })) < maxViews) return;
  const message = `An owner has at most ${maxViews} views. Delete some.`;
  throw new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_VIEWS', message);
}

type UpdatableField = 'name' | 'filter' | 'orderBy' | 'columns' | 'group' | 'layout' | 'shared';

const updatable: Updatable<UpdatableField> = {
  name: 'view',
  noun: 'a view',
  fields: ['name', 'filter', 'orderBy', 'columns', 'group', 'layout', 'shared'],
  fixed: {
    ...{ id: 'OUTPUT_ONLY', ownerId: 'OUTPUT_ONLY', etag: 'OUTPUT_ONLY', createTime: 'OUTPUT_ONLY' },
    ...{ updateTime: 'OUTPUT_ONLY', resource: 'IMMUTABLE' },
  },
};

/** Handles UpdateView. Runs in a transaction. */
export async function updateView(
  em: EntityManager,
  types: LoggedTypes,
  { id, view, updateMask, etag }: UpdateViewRequest,
): Promise<View> {
  if (!view) throw missingView();
  const mask = readMask(updateMask, updatable);
  const stored = await findChangeable(em, id);
  checkEtag(etag, stored.version);
  const before = viewMessage(stored);
  const given = Object.fromEntries(mask.map((field) => [field, view[field]]));
  const content = viewContent({ ...before, ...given });
  if (content.name === '')
    throw invalidArgument([{ field: 'view.name', reason: 'REQUIRED', description: 'is required' }]);
  if (sameValue(content, viewContent(before))) return before;
  if (mask.includes('filter') || mask.includes('orderBy')) {
    const type = await viewedType(em, types, stored.resource);
    await checkQuery(em, type, content);
    stored.isPersonal = isOnPersonalData(type, content.filter ?? null);
  }
  em.assign(stored, { ...content, version: stored.version + 1, updateTime: new Date() });
  await em.flush();
  return viewMessage(stored);
}

/** Handles DeleteView. Runs in a transaction. */
export async function deleteView(em: EntityManager, { id, etag }: DeleteViewRequest): Promise<void> {
  const stored = await findChangeable(em, id);
  checkEtag(etag, stored.version);
  em.remove(stored);
  await em.flush();
}

function missingView(): AppError {
  return invalidArgument([{ field: 'view', reason: 'REQUIRED', description: 'is required' }]);
}
