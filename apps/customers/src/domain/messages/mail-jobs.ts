import type { Message } from '@rapport/contracts/rapport/content/v1/message';
import type { TransactionStatement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';

/** Why a message is UNKNOWN. A late outcome replaces it. */
export const leaseEnded = 'LEASE_ENDED';

/** Lets workers find a message to send. */
export function queueStatement({ id, mailboxId }: Pick<Message, 'id' | 'mailboxId'>): TransactionStatement {
  return {
    name: 'insert_send_job',
    sql: `insert into mail_job (tenant_id, message_id, kind, mailbox_id) values ($1, $2, 'SEND', $3)`,
    values: [currentCaller().tenantId, id, mailboxId],
  };
}

/** Locks the jobs of messages in the order of their ids. */
export function lockJobs(ids: readonly string[]): TransactionStatement {
  return {
    name: 'lock_mail_jobs',
    sql: `select message_id as id, lease_end_time is not null as "isLeased" from mail_job
      where tenant_id = $1 and message_id = any ($2::uuid[]) order by message_id for update`,
    values: [currentCaller().tenantId, ids],
  };
}

/** Ends the work on messages. */
export function endJobs(ended: readonly Pick<Message, 'id'>[]): TransactionStatement {
  return {
    name: 'end_mail_jobs',
    sql: 'delete from mail_job where tenant_id = $1 and message_id = any ($2::uuid[])',
    values: [currentCaller().tenantId, ended.map(({ id }) => id)],
  };
}
