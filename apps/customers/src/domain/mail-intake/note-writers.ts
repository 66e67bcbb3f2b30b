import { AutomaticKind, type Message } from '@rapport/contracts/rapport/content/v1/message';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { MailAddress } from '../messages/mail-addresses.js';
import { bounceTokensIn } from '../messages/mail-tokens.js';
import { readMessages } from '../messages/stored-messages.js';
import { noteWriters } from '../ticket-actions/automatic-turns.js';
import type { Incoming } from './sender-part.js';

/** Most ids and tokens of a message that are looked up. */
const maxNamed = 50;

/** Most sent messages that one answers. */
const maxAnswered = 10;

/**
 * Notes for which addresses a received message counts: that of its sender, and the recipients of the automatic messages that it
 * answers or reports about. A program may answer, and a server bounce, from another address.
 */
export async function noteWritersOf(
  transaction: StatementTransaction,
  mailboxes: readonly MailAddress[],
  { from, parsed }: Pick<Incoming, 'from' | 'parsed'>,
): Promise<void> {
  if (mailboxes.length === 0) return;
  const { inReplyTo, referenceIds, toAddresses, deliveredTo } = parsed;
  const ids = [...(inReplyTo === undefined ? [] : [inReplyTo]), ...referenceIds.toReversed()].slice(0, maxNamed);
  const tokens = bounceTokensIn([...toAddresses, ...deliveredTo], mailboxes).slice(0, maxNamed);
  const answered = ids.length + tokens.length === 0 ? [] : await automaticMessages(transaction, ids, tokens);
  const mailboxIds = mailboxes.map(({ mailboxId }) => mailboxId);
  await noteWriters(transaction, mailboxIds, [from, ...answered.flatMap((message) => message.toAddresses)]);
}

async function automaticMessages(
  transaction: StatementTransaction,
  ids: readonly string[],
  tokens: readonly string[],
): Promise<Message[]> {
  const rows = await transaction.rows<{ id: string }>({
    name: 'answered_messages',
    sql: `select id from message where tenant_id = $1 and internet_message_id = any ($2::text[]) and direction = 'OUT'
      union select message_id from mail_envelope where tenant_id = $1 and bounce_token = any ($3::text[])
      order by id desc limit ${maxAnswered}`,
    values: [currentCaller().tenantId, ids, tokens],
  });
  const answered = await readMessages(
    transaction,
    rows.map(({ id }) => id),
  );
  return answered.filter(({ automatic = AutomaticKind.UNSPECIFIED }) => automatic !== AutomaticKind.UNSPECIFIED);
}
