import type { StatementTransaction } from '@rapport/persistence';
import { AppError, currentCaller, hmac } from '@rapport/platform';
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
  await countReplies(transaction, mailboxId, await hashesOf(transaction, addresses));
}

/**
 * Counts a message of a flow as an automatic reply to those of its recipients who have written since the last one. Others
 * get any number: a flow may notify an address of each new record.
 *
 * @throws AppError FAILED_PRECONDITION AUTOMATIC_REPLY_LIMIT
 */
export async function takeMessageOfFlow(
  transaction: StatementTransaction,
  mailboxId: string,
  addresses: readonly string[],
): Promise<void> {
  const writers = await transaction.rows<{ hash: Buffer }>({
    name: 'writers_among_flow_recipients',
    sql: `with known as (
        select address_hash, has_written from auto_reply
        where tenant_id = $1 and mailbox_id = $2 and address_hash = any ($3::bytea[])),
      added as (
        insert into auto_reply (tenant_id, mailbox_id, address_hash, time)
        select $1, $2, hash, '-infinity' from unnest($3::bytea[]) hash
        where hash not in (select address_hash from known) order by hash
        on conflict (tenant_id, mailbox_id, address_hash) do nothing)
      select address_hash as hash from known where has_written`,
    values: [currentCaller().tenantId, mailboxId, await hashesOf(transaction, addresses)],
  });
  if (writers.length > 0) {
    await countReplies(
      transaction,
      mailboxId,
      writers.map(({ hash }) => hash),
    );
  }
}

/** Notes that addresses have written to one of the mailboxes: the next message of a flow to them is counted. */
export async function noteWriters(
  transaction: StatementTransaction,
  mailboxIds: readonly string[],
  addresses: readonly string[],
): Promise<void> {
  transaction.later({
    name: 'note_writers',
    sql: `update auto_reply set has_written = true from (
        select mailbox_id, address_hash from auto_reply
        where tenant_id = $1 and mailbox_id = any ($2::uuid[]) and address_hash = any ($3::bytea[]) and not has_written
        order by address_hash, mailbox_id for update) known
      where auto_reply.tenant_id = $1 and auto_reply.mailbox_id = known.mailbox_id
        and auto_reply.address_hash = known.address_hash`,
    values: [currentCaller().tenantId, mailboxIds, await hashesOf(transaction, addresses)],
  });
}

async function countReplies(
  transaction: StatementTransaction,
  mailboxId: string,
  hashes: readonly Buffer[],
): Promise<void> {
  const taken = await transaction.rows({
    name: 'take_automatic_replies',
    sql: `insert into auto_reply as last (tenant_id, mailbox_id, address_hash, time, reply_times)
      select $1, $2, hash, '-infinity', array[rapport_clock()] from unnest($3::bytea[]) hash order by hash
      on conflict (tenant_id, mailbox_id, address_hash) do update set has_written = false,
        reply_times = excluded.reply_times
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
  return [...distinct].map((address) => hmac(secret).update(`auto reply ${address}`).digest());
}
