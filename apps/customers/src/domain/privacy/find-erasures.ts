import type { EntityManager } from '@mikro-orm/postgresql';
import type {
  Erasure as ErasureMessage,
  ListErasuresRequest,
  ListErasuresResponse,
} from '@rapport/contracts/rapport/customers/v1/privacy_service';
import { type PageTokenKey, readPageToken, signPageToken } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { erasureMessage } from './erasure-receipt.js';
import { Erasure } from './erasure.entity.js';

const defaultPageSize = 20;

/** @throws AppError NOT_FOUND */
export async function getErasure(em: EntityManager, id: string): Promise<ErasureMessage> {
  const erasure = await em.findOne(Erasure, { tenantId: currentCaller().tenantId, id });
  if (erasure) return erasureMessage(erasure);
  throw new AppError('NOT_FOUND', 'ERASURE_NOT_FOUND', 'There is no such erasure.');
}

/** Handles ListErasures: returns the page that starts after the id in the page token. */
export async function listErasures(
  em: EntityManager,
  pageTokenKey: PageTokenKey,
  { pageSize = defaultPageSize, pageToken }: ListErasuresRequest,
): Promise<ListErasuresResponse> {
  const { tenantId } = currentCaller();
  const binding = JSON.stringify(['ListErasures', tenantId]);
  const [before] = pageToken === undefined ? [] : readPageToken(pageTokenKey, binding, pageToken);
  const where = { tenantId, ...(typeof before === 'string' ? { id: { $lt: before } } : {}) };
  // One more row than the page holds shows whether there is a next page.
  const rows = await em.find(Erasure, where, { orderBy: { id: 'desc' }, limit: pageSize + 1 });
  const page = rows.slice(0, pageSize);
  const last = rows.length > pageSize ? page.at(-1) : undefined;
  return {
    erasures: page.map(erasureMessage),
    nextPageToken: last && signPageToken(pageTokenKey, binding, [last.id]),
  };
}
