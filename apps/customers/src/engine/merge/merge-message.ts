import {
  MergesServiceService,
  type Merge as MergeMessage,
} from '@rapport/contracts/rapport/customers/v1/merges_service';
import { loggedColumns, type LoggedType } from '../changes/log/logged-types.js';
import { referencedId } from '../records/customers/customer.entity.js';
import { methodDescriptor } from '../values/contract.js';
import type { MergeRecord } from './find-merge.js';

const descriptor = methodDescriptor(MergesServiceService.getMerge.path).output;

/** Merges in the change log. */
export const loggedMerges: LoggedType = {
  name: 'merge',
  table: 'customer_merge',
  descriptor,
  columns: loggedColumns(descriptor),
  scope: { by: 'RECORD', of: { customer_id: 'customer', merged_id: 'customer' } },
  empty: {},
};

/** Converts a stored merge to the message of the contract. */
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
