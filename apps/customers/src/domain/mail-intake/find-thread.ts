import { ThreadingRule } from '@rapport/contracts/rapport/content/v1/message';
import type { Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { readMailSecret } from '../messages/mail-addresses.js';
import { isTokenOf, numberOfToken, threadTokensIn } from '../messages/mail-tokens.js';
import { tickets } from '../tickets/tickets.js';
import { partOf, type Incoming } from './sender-part.js';

/** Most merges that a ticket is followed through. */
const maxMerges = 20;

/** Largest number of a ticket, an int32. */
const maxNumber = 2 ** 31 - 1;

/** The ticket of a message, and how it was found. */
export interface Thread {
  rule: ThreadingRule;
  ticket: Ticket | undefined;
  /** Whether the sender is a user who works on the ticket. */
  isOfAgent: boolean;
  /** Whether the message names a ticket in which its sender would have a part, if anything proved the sender. */
  isUnproven: boolean;
  /** The first ticket that the message named, although its sender has no part in it. */
  refused: Ticket | undefined;
}

/**
 * Finds the ticket of a message: by the signed token of an address, by the ids of messages that were sent or received, by the
 * number in the subject. The first one counts in which the sender has a part. What a message says is a claim of its sender: no
 * rule alone adds to a ticket of others.
 */
export async function findThread(transaction: StatementTransaction, incoming: Incoming): Promise<Thread> {
  let refused: Ticket | undefined;
  let isUnproven = false;
  for (const [rule, candidates] of rules) {
    for (const candidate of await candidates(transaction, incoming)) {
      const ticket = await survivorOf(transaction, candidate);
      if (!ticket) continue;
      const part = await partOf(transaction, [candidate, ticket], incoming);
      if (part === 'CUSTOMER' || part === 'AGENT')
        return { rule, ticket, isOfAgent: part === 'AGENT', isUnproven: false, refused: undefined };
      isUnproven ||= part === 'UNPROVEN';
      refused ??= ticket;
    }
  }
  return { rule: ThreadingRule.NEW, ticket: undefined, isOfAgent: false, isUnproven, refused };
}

type Candidates = (transaction: StatementTransaction, incoming: Incoming) => Promise<Ticket[]>;

const rules: readonly (readonly [ThreadingRule, Candidates])[] = [
  [ThreadingRule.TOKEN, byToken],
  [ThreadingRule.REFERENCES, byReferences],
  [ThreadingRule.NUMBER, byNumber],
];

async function byToken(transaction: StatementTransaction, { parsed, mailboxes }: Incoming): Promise<Ticket[]> {
  const addresses = [...parsed.toAddresses, ...parsed.ccAddresses, ...parsed.deliveredTo];
  const tokens = threadTokensIn(addresses, mailboxes).slice(0, 20);
  if (tokens.length === 0) return [];
  const secret = await readMailSecret(transaction);
  const claimed = await ticketsOfNumbers(
    transaction,
    tokens.flatMap((token) => numberOfToken(token) ?? []),
  );
  return claimed.filter(({ id, number }) =>
    tokens.some((token) => number !== undefined && isTokenOf(secret, token, { id, number })),
  );
}

/**
 * Tickets of the messages that this one answers, the newest first. Of messages with one id, the first counts: others may have taken
 * the id from it.
 */
async function byReferences(transaction: StatementTransaction, { parsed }: Incoming): Promise<Ticket[]> {
  const { inReplyTo, referenceIds } = parsed;
  const ids = [...new Set([...(inReplyTo === undefined ? [] : [inReplyTo]), ...referenceIds.toReversed()])];
  if (ids.length === 0) return [];
  const rows = await transaction.rows<{ ticket_id: string; internet_message_id: string }>({
    name: 'tickets_of_references',
    sql: `select ticket_id, internet_message_id from message
      where tenant_id = $1 and internet_message_id = any ($2::text[]) and ticket_id is not null and delete_time is null
      order by id limit 200`,
    values: [currentCaller().tenantId, ids],
  });
  const ordered = rows.toSorted(
    (one, other) => ids.indexOf(one.internet_message_id) - ids.indexOf(other.internet_message_id),
  );
  return ticketsOfIds(transaction, [...new Set(ordered.map((row) => row.ticket_id))]);
}

/**
 * Tickets whose numbers the subject has as `[#123]`. Numbers are guessed easily, and so is an address: this rule asks for a sender
 * whose domain vouches for it.
 */
function byNumber(transaction: StatementTransaction, { parsed, isProven }: Incoming): Promise<Ticket[]> {
  if (!isProven) return Promise.resolve([]);
  const numbers = Array.from(parsed.subject.matchAll(/\[#(\d{1,9})\]/g), ([, digits]) => Number(digits));
  return ticketsOfNumbers(transaction, numbers.slice(0, 20));
}

/** The ticket itself, or the one that it was merged into. */
async function survivorOf(transaction: StatementTransaction, ticket: Ticket): Promise<Ticket | undefined> {
  let found: Ticket | undefined = ticket;
  for (let merges = 0; found?.mergedIntoId !== undefined; merges += 1) {
    if (merges === maxMerges) return undefined;
    [found] = await ticketsOfIds(transaction, [found.mergedIntoId]);
  }
  return found;
}

/** Live tickets, in the order of the ids. */
async function ticketsOfIds(transaction: StatementTransaction, ids: readonly string[]): Promise<Ticket[]> {
  if (ids.length === 0) return [];
  const rows = await transaction.rows<StoredRecord<Ticket>>(liveRecords(tickets, ids));
  const found = await openStored(tickets, rows);
  return found.toSorted((one, other) => ids.indexOf(one.id) - ids.indexOf(other.id));
}

async function ticketsOfNumbers(transaction: StatementTransaction, numbers: readonly number[]): Promise<Ticket[]> {
  if (numbers.length === 0) return [];
  const rows = await transaction.rows<{ id: string; number: number }>({
    name: 'tickets_of_numbers',
    sql: 'select id, number from ticket where tenant_id = $1 and number = any ($2::int[]) and delete_time is null',
    values: [currentCaller().tenantId, numbers.filter((each) => each <= maxNumber)],
  });
  const ordered = rows.toSorted((one, other) => numbers.indexOf(one.number) - numbers.indexOf(other.number));
  return ticketsOfIds(
    transaction,
    ordered.map(({ id }) => id),
  );
}
