import type { Message } from '@rapport/contracts/rapport/content/v1/message';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { RecordMessage } from '../../engine/fields/record-definition.js';
import type { RecordType } from '../../engine/fields/record-type.js';
import { customerType } from '../../engine/records/customers/customer-type.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { messages } from '../messages/messages.js';

/** The customer of a ticket or message. Undefined when it is deleted, or the caller cannot see it. */
export function readRequester(
  transaction: StatementTransaction,
  { customerId }: Pick<Ticket, 'customerId'>,
): Promise<Customer | undefined> {
  return readLive<Customer>(transaction, customerType(), customerId);
}

/** The address from which the requester last wrote for a ticket, or else the primary one. */
export async function addressOfRequester(
  transaction: StatementTransaction,
  ticket: Ticket,
): Promise<string | undefined> {
  return (await lastAddress(transaction, ticket)) ?? (await readRequester(transaction, ticket))?.emails[0]?.address;
}

/** The address from which the requester last wrote for a ticket, and those of the customer. */
export async function addressesOfRequester(transaction: StatementTransaction, ticket: Ticket): Promise<string[]> {
  const last = await lastAddress(transaction, ticket);
  const { emails = [] } = (await readRequester(transaction, ticket)) ?? {};
  return [...(last === undefined ? [] : [last]), ...emails.map(({ address }) => address)];
}

/** What users wrote to the ticket by mail is not of the requester. */
async function lastAddress(transaction: StatementTransaction, ticket: Ticket): Promise<string | undefined> {
  const [last] = await transaction.rows<{ id: string }>({
    name: 'last_message_of_requester',
    sql: `select id from message where tenant_id = $1 and ticket_id = $2 and customer_id = $3 and direction = 'IN'
        and delete_time is null and not exists (select from ticket_entry entry where entry.tenant_id = $1
          and entry.ticket_id = $2 and entry.message_id = message.id and entry.kind in ('PUBLIC_REPLY', 'INTERNAL_NOTE'))
      order by id desc limit 1`,
    values: [currentCaller().tenantId, ticket.id, ticket.customerId],
  });
  const message = last && (await readLive<Message>(transaction, messages, last.id));
  return message?.fromAddress;
}

async function readLive<Record extends RecordMessage>(
  transaction: StatementTransaction,
  type: RecordType<Record>,
  id: string,
): Promise<Record | undefined> {
  const [record] = await openStored(type, await transaction.rows<StoredRecord<Record>>(liveRecords(type, [id])));
  return record;
}
