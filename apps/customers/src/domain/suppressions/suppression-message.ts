import { ContactChannel } from '@rapport/contracts/rapport/customers/v1/consents_service';
import {
  SuppressionReason,
  SuppressionsServiceService,
  type Suppression as SuppressionMessage,
} from '@rapport/contracts/rapport/customers/v1/suppressions_service';
import { loggedColumns, type LoggedType } from '../../engine/changes/log/logged-types.js';
import { isoTime } from '../../engine/records/record-rows.js';
import { methodDescriptor } from '../../engine/values/contract.js';
import type { Suppression } from './suppression.entity.js';

const descriptor = methodDescriptor(SuppressionsServiceService.getSuppression.path).output;

/** Suppressions in the change log, without their addresses. */
export const loggedSuppressions: LoggedType = {
  name: 'suppression',
  table: 'suppression',
  descriptor,
  columns: loggedColumns(descriptor).filter((column) => column !== 'address'),
  scope: { by: 'RECORD', of: { customer_id: 'customer' } },
  // Not erased: it contains no address.
  empty: { reason: 'MANUAL' },
};

/** A stored suppression; times have the type that the driver or the ORM returns. */
export interface SuppressionRow extends Pick<
  Suppression,
  'id' | 'channel' | 'purpose' | 'reason' | 'customerId' | 'createdBy'
> {
  createTime: Date | string;
}

/** Columns for `select`, each under its property's name. */
export const suppressionColumns = `suppression.id, suppression.channel, suppression.purpose, suppression.reason,
  suppression.customer_id as "customerId", suppression.create_time as "createTime",
  suppression.created_by as "createdBy"`;

/** A stored suppression as its message of the contract: its address is unknown. */
export function suppressionMessage(row: SuppressionRow): SuppressionMessage {
  return {
    id: row.id,
    channel: ContactChannel[row.channel],
    address: undefined,
    purpose: row.purpose ?? undefined,
    reason: SuppressionReason[row.reason],
    customerId: row.customerId ?? undefined,
    createTime: isoTime(row.createTime),
    createdBy: row.createdBy,
  };
}
