import { MessageClass, type Message } from '@rapport/contracts/rapport/content/v1/message';
import { MessageEventKind } from '@rapport/contracts/rapport/marketing/v1/message_event';
import { TouchpointKind } from '@rapport/contracts/rapport/marketing/v1/touchpoint';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { recipientOfMessageId } from '../campaigns/sending/recipient-tokens.js';
import { recordMessageEvents } from '../tracking/message-events.js';
import { recordTouchpoints } from '../tracking/touchpoints.js';

/** A recipient whose mail a message answers. */
interface AnsweredRecipient {
  id: string;
  campaign_id: string;
  customer_id: string | null;
}

/**
 * Notes that a person answered the mail of a campaign: the first answer of each recipient. What a message answers is a claim of its
 * sender, but nobody else knows the `Message-ID` of the mail.
 */
export async function noteReplies(transaction: StatementTransaction, message: Message): Promise<void> {
  if (message.class !== MessageClass.HUMAN) return;
  const ids = [message.inReplyTo, ...message.referenceIds].flatMap((id) => id ?? []);
  const answered = ids.filter((id) => recipientOfMessageId(id) !== undefined);
  if (answered.length === 0) return;
  const recipients = await transaction.rows<AnsweredRecipient>({
    name: 'recipients_answered_first',
    sql: `select id, campaign_id, customer_id from campaign_recipient recipient
      where tenant_id = $1 and id = any ($2::uuid[]) and internet_message_id = any ($3::text[])
        and not exists (select from message_event where tenant_id = $1 and recipient_id = recipient.id and kind = 'REPLIED')
      order by id for update`,
    values: [currentCaller().tenantId, answered.map((id) => recipientOfMessageId(id)), answered],
  });
  const time = message.receiveTime;
  recordMessageEvents(
    transaction,
    recipients.map(({ id, campaign_id: campaignId, customer_id: customerId }) => ({
      ...{ campaignId, recipientId: id, customerId: customerId ?? undefined, kind: MessageEventKind.REPLIED, time },
    })),
  );
  recordTouchpoints(
    transaction,
    recipients.flatMap(({ campaign_id: campaignId, customer_id: customerId }) =>
      customerId === null ? [] : [{ customerId, campaignId, kind: TouchpointKind.REPLY, time }],
    ),
  );
}
