import { TicketCategory } from '@rapport/contracts/rapport/support/v1/ticket';
import { TicketEntryKind } from '@rapport/contracts/rapport/support/v1/ticket_entry';
import type {
  ReplyToTicketRequest,
  TicketEntryResult,
} from '@rapport/contracts/rapport/support/v1/ticket_actions_service';
import type { StatementTransaction } from '@rapport/persistence';
import { invalidField } from '@rapport/platform';
import { within } from '../../engine/values/within.js';
import { addEntry } from '../tickets/ticket-writes.js';
import { authorOfCall, requiredText } from './add-entries.js';
import { lockUnmerged } from './locked-ticket.js';

/** Handles ReplyToTicket. */
export async function replyToTicket(
  transaction: StatementTransaction,
  { id, etag, reply }: ReplyToTicketRequest,
): Promise<TicketEntryResult> {
  if (!reply) throw invalidField('reply', 'REQUIRED', 'is required');
  const text = requiredText(reply.text, 'reply.text');
  const { before } = await lockUnmerged(transaction, id);
  const { html, cc, thenStatus, automatic } = reply;
  const status = thenStatus ?? (before.category === TicketCategory.NEW ? 'open' : before.status);
  const added = {
    ...{ kind: TicketEntryKind.PUBLIC_REPLY, by: authorOfCall(automatic), text, html },
    with: { status, ...(cc.length > 0 && { ccAddresses: cc }) },
  };
  return within({ from: 'ticket.status', to: 'reply.thenStatus' }, () => addEntry(transaction, before, added, etag));
}
