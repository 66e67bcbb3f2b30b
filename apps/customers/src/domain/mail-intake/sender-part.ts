import { CustomerKind, type Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { ParsedMessage } from '@rapport/contracts/rapport/content/v1/mail_intake_service';
import type { Message } from '@rapport/contracts/rapport/content/v1/message';
import type { Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller, ownerIdOf, type Caller } from '@rapport/platform';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { domainSpellings, emailIdentity } from '../../engine/values/domain-spellings.js';
import { customers } from '../customers/customers.js';
import type { MailAddress } from '../messages/mail-addresses.js';
import { readMessages } from '../messages/stored-messages.js';

/** Sent messages of a ticket whose recipients may answer it, the newest. */
const readAnswers = 50;

/** A parsed message, and what is known of its sender. */
export interface Incoming {
  parsed: ParsedMessage;
  /** In lower case. */
  from: string;
  /** The customer with the address of the sender, if there is one. */
  customerId: string | undefined;
  mailboxes: readonly MailAddress[];
  /** The user with the address of the sender, with current rights. */
  agent: Caller | undefined;
  /** Whether the domain of the sender, or a person, vouches for the address. Anybody can write one into a message. */
  isProven: boolean;
}

/**
 * What a sender is in a ticket: a customer, or a user who works on it. UNPROVEN for one whose address alone says so, which is
 * easily forged.
 */
export type SenderPart = 'CUSTOMER' | 'AGENT' | 'UNPROVEN';

/**
 * The part of the sender in a ticket. Undefined for one without.
 *
 * @param named the ticket that the message names, and the one that it was merged into
 */
export async function partOf(
  transaction: StatementTransaction,
  named: readonly Ticket[],
  incoming: Incoming,
): Promise<SenderPart | undefined> {
  const { from, customerId, agent, isProven } = incoming;
  if (customerId !== undefined && named.some((ticket) => ticket.customerId === customerId)) return 'CUSTOMER';
  if (agent && named.every((ticket) => worksOn(agent, ticket))) return isProven ? 'AGENT' : 'UNPROVEN';
  if (named.some(({ ccAddresses }) => ccAddresses.some((each) => isSame(each, from)))) return 'CUSTOMER';
  if (await isWrittenTo(transaction, named, from)) return 'CUSTOMER';
  if (!(await isColleague(transaction, named, from))) return undefined;
  return isProven ? 'CUSTOMER' : 'UNPROVEN';
}

/** Whether a user can see a ticket and write to it. */
function worksOn({ principalId, permissions, recordScope = 'ALL', teamIds = [] }: Caller, ticket: Ticket): boolean {
  if (!permissions.includes('tickets.write')) return false;
  const { ownerId, ownerTeamId } = ticket;
  const isOwn = ownerId !== undefined && ownerId === ownerIdOf(principalId);
  const isOfTeam = recordScope === 'TEAM' && ownerTeamId !== undefined && teamIds.includes(ownerTeamId);
  return recordScope === 'ALL' || isOwn || isOfTeam;
}

async function isWrittenTo(
  transaction: StatementTransaction,
  named: readonly Ticket[],
  address: string,
): Promise<boolean> {
  const sent = await sentFor(transaction, [...new Set(named.map(({ id }) => id))]);
  return sent.some(({ toAddresses, ccAddresses }) =>
    [...toAddresses, ...ccAddresses].some((each) => isSame(each, address)),
  );
}

async function sentFor(transaction: StatementTransaction, ticketIds: readonly string[]): Promise<Message[]> {
  const rows = await transaction.rows<{ id: string }>({
    name: 'sent_messages_of_ticket',
    sql: `select id from message where tenant_id = $1 and ticket_id = any ($2::uuid[]) and direction = 'OUT' and delete_time is null
      order by id desc limit ${readAnswers}`,
    values: [currentCaller().tenantId, ticketIds],
  });
  return readMessages(
    transaction,
    rows.map(({ id }) => id),
  );
}

/** Whether the company of a requester has the domain of an address. */
async function isColleague(
  transaction: StatementTransaction,
  named: readonly Ticket[],
  address: string,
): Promise<boolean> {
  const spellings = domainSpellings(address.slice(address.lastIndexOf('@') + 1));
  const requesters = await liveCustomers(
    transaction,
    named.map(({ customerId }) => customerId),
  );
  const employers = requesters.flatMap(({ companyId }) => companyId ?? []);
  const companies = [...requesters, ...(await liveCustomers(transaction, employers))];
  return companies.some(
    ({ kind, domains }) => kind === CustomerKind.COMPANY && spellings.some((domain) => domains.includes(domain)),
  );
}

function isSame(one: string, other: string): boolean {
  return emailIdentity(one) === emailIdentity(other);
}

async function liveCustomers(transaction: StatementTransaction, ids: readonly string[]): Promise<Customer[]> {
  if (ids.length === 0) return [];
  const rows = await transaction.rows<StoredRecord<Customer>>(liveRecords(customers, [...new Set(ids)]));
  return openStored(customers, rows);
}
