import type { Touchpoint, TouchpointKind } from '@rapport/contracts/rapport/marketing/v1/touchpoint';
import { TouchpointsServiceService } from '@rapport/contracts/rapport/marketing/v1/touchpoints_service';
import { formatEtag, type StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { CustomFields } from '../../engine/fields/custom-fields.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { insertRecords } from '../../engine/records/record-statements.js';
import { recordController } from '../../engine/serve/record-controller.js';

/** The contacts of customers with marketing, which attributions are computed from. */
export const touchpoints = defineRecord<Touchpoint>('rapport/Touchpoint', TouchpointsServiceService, {
  indexVersion: 1,
});

export const TouchpointsController = recordController(touchpoints, TouchpointsServiceService);

/** A contact of a customer with marketing. */
export interface NewTouchpoint {
  customerId: string;
  campaignId?: string | undefined;
  formId?: string | undefined;
  dealId?: string | undefined;
  kind: TouchpointKind;
  /** ISO 8601. Now by default. */
  time?: string | undefined;
}

/** Stores touchpoints in the transaction, with one statement. */
export function recordTouchpoints(transaction: StatementTransaction, touches: readonly NewTouchpoint[]): Touchpoint[] {
  const { principalId } = currentCaller();
  const now = new Date().toISOString();
  const stored = touches.map(({ customerId, campaignId, formId, dealId, kind, time = now }): Touchpoint => ({
    ...{ id: uuidv7(), customerId, campaignId, formId, dealId, kind, time },
    ...{ etag: formatEtag(1), createTime: now, updateTime: now, deleteTime: undefined },
    ...{ createdBy: principalId, updatedBy: principalId },
  }));
  if (stored.length > 0) transaction.later(insertRecords(touchpoints, stored, new CustomFields([])));
  return stored;
}
