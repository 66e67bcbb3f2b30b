import { createHmac } from 'node:crypto';
import type { StatementTransaction } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { readMailSecret } from '../messages/mail-addresses.js';

/** Automatic replies of a mailbox to an address in 24 hours: more than a flow has to say to a person in a day. */
const maxReplies = 10;

/** Whether the sender has got no automatic answer of the mailbox for a day. The answer counts from now. */
export async function takeAnswer(
  transaction: StatementTransaction,
  mailboxId: string,
  address: string,
): Promise<boolean> {
  const taken = await transaction.rows({
    name: 'take_auto_reply',
    sql: `insert into auto_reply as last (tenant_id, mailbox_id, address_hash, time) values ($1, $2, $3, rapport_clock())
      on conflict (tenant_id, mailbox_id, address_hash) do update set time = excluded.time
      where last.time <= excluded.time - interval '24 hours' returning mailbox_id`,
    values: [currentCaller().tenantId, mailboxId, ...(await hashesOf(transaction, [address]))],
  });
  return taken.length > 0;
}

/**
 * Counts an automatic reply of the mailbox to each address. A flow that replies to each message, and a program that
 * answers each reply, would never end.
 *
 * @throws AppError FAILED_PRECONDITION AUTOMATIC_REPLY_LIMIT if one has had ten in 24 hours
 */
export async function takeReplies(
  transaction: StatementTransaction,
  mailboxId: string,
  addresses: readonly string[],
): Promise<void> {
  const hashes = await hashesOf(transaction, addresses);
  const taken = await transaction.rows({
    name: 'take_automatic_replies',
    sql: `insert into auto_reply as last (tenant_id, mailbox_id, address_hash, time, reply_times)
      select $1, $2, hash, '-infinity', array[rapport_clock()] from unnest($3::bytea[]) hash order by hash
      on conflict (tenant_id, mailbox_id, address_hash) do update set reply_times = excluded.reply_times
        || array(select each from unnest(last.reply_times) each where each > rapport_clock() - interval '24 hours')
      where (select count(*) from unnest(last.reply_times) each where each > rapport_clock() - interval '24 hours')
        < ${maxReplies}
      returning mailbox_id`,
    values: [currentCaller().tenantId, mailboxId, hashes],
  });
  if (taken.length === hashes.length) return;
  const message = `A recipient has had ${maxReplies} automatic replies of the mailbox in 24 hours.`;
  throw new AppError('FAILED_PRECONDITION', 'AUTOMATIC_REPLY_LIMIT', message);
}

async function hashesOf(transaction: StatementTransaction, addresses: readonly string[]): Promise<Buffer[]> {
  const secret = await readMailSecret(transaction);
  const distinct = new Set(addresses.map((address) => address.toLowerCase()));
  return [...distinct].map((address) => createHmac('sha256', secret).update(`auto reply ${address}`).digest());
}
