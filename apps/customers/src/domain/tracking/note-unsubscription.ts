import { MessageEventKind } from '@rapport/contracts/rapport/marketing/v1/message_event';
import { currentCaller } from '@rapport/platform';
import { onUnsubscribe, type UnsubscribeListener } from '../topics/unsubscribe-page.js';
import { recordMessageEvents } from './message-events.js';

/** Notes that a recipient of a campaign unsubscribed by the link of its mail. Other mail with such a link has no events. */
const noteUnsubscription: UnsubscribeListener = async (transaction, { recipientId }) => {
  const [recipient] = await transaction.rows<{ campaign_id: string; customer_id: string | null }>({
    name: 'recipient_that_unsubscribed',
    sql: 'select campaign_id, customer_id from campaign_recipient where tenant_id = $1 and id = $2',
    values: [currentCaller().tenantId, recipientId],
  });
  if (!recipient) return;
  const { campaign_id: campaignId, customer_id: customerId } = recipient;
  const kind = MessageEventKind.UNSUBSCRIBED;
  recordMessageEvents(transaction, [{ campaignId, recipientId, customerId: customerId ?? undefined, kind }]);
};

onUnsubscribe(noteUnsubscription);
