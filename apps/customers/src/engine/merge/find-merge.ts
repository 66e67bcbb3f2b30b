import type { EntityManager, FilterQuery, FindOptions } from '@mikro-orm/postgresql';
import { AppError, currentCaller } from '@rapport/platform';
import { Merge } from './merge.entity.js';

/** A merge without its undo data, which can be large. */
export type MergeRecord = Pick<
  Merge,
  'id' | 'customer' | 'merged' | 'createTime' | 'createdBy' | 'undoTime' | 'undoneBy'
>;

export async function findMergeRecords(
  em: EntityManager,
  where: FilterQuery<Merge>,
  options: Pick<FindOptions<Merge>, 'orderBy' | 'limit'>,
): Promise<MergeRecord[]> {
  const rows = await em.find(Merge, where, { ...options, exclude: ['undo'] });
  // MikroORM types a reference that is mapped to its key as a string when only part of an entity is loaded.
  return rows as unknown as MergeRecord[];
}

/** @throws AppError NOT_FOUND */
export async function findMerge(em: EntityManager, id: string): Promise<MergeRecord> {
  const { tenantId } = currentCaller();
  const [merge] = await findMergeRecords(em, { tenantId, id }, { limit: 1 });
  return found(merge);
}

/** @throws AppError NOT_FOUND */
export async function findMergeToUndo(em: EntityManager, id: string): Promise<Merge> {
  const { tenantId } = currentCaller();
  return found(await em.findOne(Merge, { tenantId, id }));
}

/** The merge in force that merged a customer into another. @throws AppError NOT_FOUND */
export async function findMergeInForce(em: EntityManager, mergedId: string): Promise<MergeRecord> {
  const { tenantId } = currentCaller();
  const where = { tenantId, merged: [tenantId, mergedId] as [string, string], undoTime: null };
  const [merge] = await findMergeRecords(em, where, { limit: 1 });
  return found(merge);
}

function found<Found>(merge: Found | null | undefined): Found {
  if (merge) return merge;
  throw new AppError('NOT_FOUND', 'MERGE_NOT_FOUND', 'There is no such merge.');
}
