import type { EntityManager } from '@mikro-orm/postgresql';
import { AppError, currentCaller } from '@rapport/platform';
import { Merge } from './merge.entity.js';

/** @throws AppError NOT_FOUND */
export async function findMerge(em: EntityManager, id: string): Promise<Merge> {
  const { tenantId } = currentCaller();
  const merge = await em.findOne(Merge, { tenantId, id });
  if (merge) return merge;
  throw new AppError('NOT_FOUND', 'MERGE_NOT_FOUND', 'There is no such merge.');
}

/** The merge by which a customer that was merged is merged into another. */
export function findMergeInForce(em: EntityManager, mergedId: string): Promise<Merge> {
  const { tenantId } = currentCaller();
  return em.findOneOrFail(Merge, { tenantId, merged: [tenantId, mergedId], undoTime: null });
}
