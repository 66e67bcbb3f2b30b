import { randomBytes } from 'node:crypto';
import type {
  DeleteMailAddressRequest,
  PutMailAddressRequest,
} from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import { MessageState } from '@rapport/contracts/rapport/content/v1/message';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { changeMessages } from './stored-messages.js';
import type { TokenAddress } from './mail-tokens.js';

/** What is known of a mailbox. */
export interface MailAddress extends TokenAddress {
  mailboxId: string;
  name: string | null;
  isDefault: boolean;
  canSend: boolean;
}

/** The mailboxes of the caller's tenant. */
export function readMailAddresses(transaction: StatementTransaction): Promise<MailAddress[]> {
  return transaction.rows<MailAddress>({
    name: 'mail_addresses',
    sql: `select mailbox_id as "mailboxId", address, name, reply_domain as "replyDomain", is_default as "isDefault",
        can_send as "canSend"
      from mail_address where tenant_id = $1 order by mailbox_id limit 1000`,
    values: [currentCaller().tenantId],
  });
}

/** The domain of the `Message-ID`s of a mailbox. */
export function messageDomain({ address, replyDomain }: TokenAddress): string {
  return (replyDomain ?? address.slice(address.lastIndexOf('@') + 1)).toLowerCase();
}

/** Signs the tokens of the tenant. It exists from the first mailbox on. @throws Error before */
export async function readMailSecret(transaction: StatementTransaction): Promise<Buffer> {
  const [row] = await transaction.rows<{ secret: Buffer }>({
    name: 'mail_secret',
    sql: 'select secret from mail_key where tenant_id = $1',
    values: [currentCaller().tenantId],
  });
  if (!row) throw new Error('The tenant has a mailbox, and no key for its tokens.');
  return row.secret;
}

/** Handles PutMailAddress. One mailbox is the default. */
export function putMailAddress(transaction: StatementTransaction, request: PutMailAddressRequest): void {
  const { tenantId, mailboxId, address, name, replyDomain, isDefault, canSend } = request;
  transaction.later(
    {
      name: 'make_mail_key',
      sql: 'insert into mail_key (tenant_id, secret) values ($1, $2) on conflict (tenant_id) do nothing',
      values: [tenantId, randomBytes(32)],
    },
    {
      name: 'end_other_default_mailbox',
      sql: 'update mail_address set is_default = false where tenant_id = $1 and mailbox_id <> $2 and is_default and $3',
      values: [tenantId, mailboxId, isDefault],
    },
    {
      name: 'put_mail_address',
      sql: `insert into mail_address (tenant_id, mailbox_id, address, name, reply_domain, is_default, can_send)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (tenant_id, mailbox_id) do update set address = excluded.address, name = excluded.name,
          reply_domain = excluded.reply_domain, is_default = excluded.is_default, can_send = excluded.can_send`,
      values: [tenantId, mailboxId, address, name, replyDomain, isDefault, canSend],
    },
  );
}

/** Handles DeleteMailAddress. What the mailbox has not begun to send fails. */
export async function deleteMailAddress(
  transaction: StatementTransaction,
  { tenantId, mailboxId }: DeleteMailAddressRequest,
): Promise<void> {
  transaction.later(
    {
      name: 'delete_mail_address',
      sql: 'delete from mail_address where tenant_id = $1 and mailbox_id = $2',
      values: [tenantId, mailboxId],
    },
    {
      name: 'end_digest_jobs_of_mailbox',
      sql: `delete from mail_job where tenant_id = $1 and mailbox_id = $2 and kind = 'DIGEST' and lease_end_time is null`,
      values: [tenantId, mailboxId],
    },
  );
  const queued = await transaction.rows<{ id: string }>({
    name: 'end_mail_jobs_of_mailbox',
    sql: `delete from mail_job where tenant_id = $1 and mailbox_id = $2 and kind = 'SEND' and lease_end_time is null
      returning message_id as id`,
    values: [tenantId, mailboxId],
  });
  const ids = queued.map(({ id }) => id);
  await changeMessages(transaction, ids, () => ({ state: MessageState.FAILED, stateReason: 'MAILBOX_REMOVED' }));
}
