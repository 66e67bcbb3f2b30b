import type { Merge as MergeMessage } from '@rapport/contracts/rapport/customers/v1/merges_service';
import { referencedId } from '../records/customers/customer.entity.js';
import type { MergeRecord } from './find-merge.js';

/** The record of a merge as the contract shows it. */
export function mergeMessage(merge: MergeRecord): MergeMessage {
  return {
    id: merge.id,
    customerId: referencedId(merge.customer),
    mergedId: referencedId(merge.merged),
    createTime: merge.createTime.toISOString(),
    createdBy: merge.createdBy,
    undoTime: merge.undoTime?.toISOString(),
    undoneBy: merge.undoneBy ?? undefined,
  };
}
