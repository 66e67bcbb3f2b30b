import {
  MessageEventVerdict,
  type MessageEvent,
  type MessageEventKind,
} from '@rapport/contracts/rapport/marketing/v1/message_event';
import { MessageEventsServiceService } from '@rapport/contracts/rapport/marketing/v1/message_events_service';
import { formatEtag, type StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { CustomFields } from '../../engine/fields/custom-fields.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { insertRecords } from '../../engine/records/record-statements.js';
import { recordController } from '../../engine/serve/record-controller.js';

/** What happened to mails of campaigns. Events are only written by the service, and outlive the change log. */
export const messageEvents = defineRecord<MessageEvent>('rapport/MessageEvent', MessageEventsServiceService, {
  indexVersion: 1,
});

export const MessageEventsController = recordController(messageEvents, MessageEventsServiceService);

/** What happened to the mail of a recipient. */
export interface NewMessageEvent {
  campaignId: string;
  recipientId: string;
  customerId?: string | undefined;
  kind: MessageEventKind;
  verdict?: MessageEventVerdict | undefined;
  /** RFC 3463. */
  statusCode?: string | undefined;
  link?: string | undefined;
  /** ISO 8601. Now by default. */
  time?: string | undefined;
}

/** Stores events in the transaction, with one statement. */
export function recordMessageEvents(
  transaction: StatementTransaction,
  events: readonly NewMessageEvent[],
): MessageEvent[] {
  const { principalId } = currentCaller();
  const now = new Date().toISOString();
  const stored = events.map((event): MessageEvent => {
    const { campaignId, recipientId, customerId, kind, statusCode, link, time = now } = event;
    const { verdict = MessageEventVerdict.UNSPECIFIED } = event;
    return {
      ...{ id: uuidv7(), campaignId, recipientId, customerId, kind, verdict, statusCode, link, time },
      ...{ etag: formatEtag(1), createTime: now, updateTime: now, deleteTime: undefined },
      ...{ createdBy: principalId, updatedBy: principalId },
    };
  });
  if (stored.length > 0) transaction.later(insertRecords(messageEvents, stored, new CustomFields([])));
  return stored;
}
