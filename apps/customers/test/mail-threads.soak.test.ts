import { MessageState, ThreadingRule, type Message } from '@rapport/contracts/rapport/content/v1/message';
import type { ParsedMessage } from '@rapport/contracts/rapport/content/v1/mail_intake_service';
import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { v7 } from 'uuid';
import { expect, test } from 'vitest';
import { SeedRandom } from '../seed/seed-random.ts';
import { threadToken, tokenAddress } from '../src/domain/messages/mail-tokens.js';
import { MailTenant } from './mail-tenant.js';
import { sharedMailCustomers } from './running-customers.js';

const size = {
  tickets: sizeOf('THREAD_TICKETS', { short: 6, long: 40 }),
  messages: sizeOf('THREAD_MESSAGES', { short: 50, long: 3_000 }),
};

const service = await sharedMailCustomers();

/** What the test knows of a ticket, without asking the service again. */
interface Known {
  id: string;
  number: number;
  /** Those with a part in it, in lower case. */
  parts: Set<string>;
  /** Ids of its messages. */
  messageIds: string[];
}

/** How a message claims a ticket. The oracle knows which claims are worth something. */
const claims = ['token', 'forgedToken', 'references', 'number', 'numberUnproven', 'none'] as const;

test(
  'random senders and claims: no entry is on a ticket that its sender has no part in, and each honest answer is on the right one',
  async () => {
    const random = new SeedRandom(printedSeed('mail-threads'));
    const tenant = await MailTenant.create(service);
    const secret = await secretOf(tenant.tenantId);
    const known: Known[] = [];
    const tally = { honest: 0, refused: 0, opened: 0, ofAgent: 0, quarantined: 0 };
    for (let index = 0; index < size.tickets; index += 1) {
      known.push(await opened(tenant, `sender${index}@example.com`, `copy${index}@example.com`));
    }
    const targets = [...known];
    for (let sent = 0; sent < size.messages; sent += 1) {
      const [target, claim] = [random.pick(targets), random.pick(claims)];
      if (random.chance(0.2)) {
        const isProven = random.chance(0.5);
        const message = await agentMail(tenant, claimed(target, claim, { secret, random }), isProven);
        const place = namesTicket(claim, isProven) ? target.id : undefined;
        expectAgentMail(message, known, isProven ? { place } : { isHeld: place !== undefined });
        if (place !== undefined) tally[isProven ? 'ofAgent' : 'quarantined'] += 1;
        continue;
      }
      const from = random.pick([...target.parts, random.pick([...random.pick(targets).parts]), 'mallory@example.net']);
      const internetMessageId = `${v7()}@mail.example`;
      const parsed = { fromAddress: from, internetMessageId, ...claimed(target, claim, { secret, random }) };
      const { message } = await tenant.receive(parsed);
      const isHonest = target.parts.has(from) && ['token', 'references', 'number'].includes(claim);
      const of = known.find(({ id }) => id === message.ticketId);
      if (isHonest) {
        tally.honest += 1;
        expect(message.ticketId, `${claim} of ${from}`).toBe(target.id);
      } else if (of) {
        expect.fail(`${claim} of ${from} is on ticket ${of.number}.`);
      } else {
        tally[message.refusedTicketId === undefined ? 'opened' : 'refused'] += 1;
        expect(message.threadingRule).toBe(ThreadingRule.NEW);
        expect([undefined, target.id]).toContain(message.refusedTicketId);
      }
      if (of && message.ticketId === of.id) of.messageIds.push(internetMessageId);
    }
    printTally('mail-threads', tally);
    expect(await foreignEntries(tenant, known)).toBe(0);
  },
  soakTimeoutMs,
);

async function opened(tenant: MailTenant, from: string, copy: string): Promise<Known> {
  const { message, ticketId } = await tenant.receive({ fromAddress: from, ccAddresses: [copy] });
  const { number = 0 } = await tenant.ticket(ticketId);
  return { id: ticketId!, number, parts: new Set([from, copy]), messageIds: [message.internetMessageId!] };
}

const agentAddress = 'agent@kestrel.example';

/** A message from the address of a user, who can write to all tickets. */
async function agentMail(tenant: MailTenant, parsed: Partial<ParsedMessage>, isProven: boolean): Promise<Message> {
  const authentication = { spf: 'pass', dkim: 'pass', dmarc: isProven ? 'pass' : 'none', arc: undefined };
  const agent = { ...tenant.caller, principalId: `user:${v7()}` };
  return (await tenant.receive({ ...parsed, fromAddress: agentAddress, authentication }, agent)).message;
}

/** The number in a subject counts for a proven sender only. */
function namesTicket(claim: (typeof claims)[number], isProven: boolean): boolean {
  return ['token', 'references', ...(isProven ? ['number', 'numberUnproven'] : [])].includes(claim);
}

/** @param place the ticket that the message belongs to, or whether it belongs into quarantine */
function expectAgentMail(
  { ticketId, state }: Message,
  known: readonly Known[],
  { place, isHeld = false }: { place?: string | undefined; isHeld?: boolean },
): void {
  if (place === undefined) expect(known.map(({ id }) => id)).not.toContain(ticketId);
  else expect(ticketId).toBe(place);
  expect(state).toBe(isHeld ? MessageState.QUARANTINED : MessageState.THREADED);
}

function claimed(
  { id, number, messageIds }: Known,
  claim: (typeof claims)[number],
  { secret, random }: { secret: Buffer; random: SeedRandom },
): Partial<ParsedMessage> {
  const address = (token: string) => tokenAddress({ address: 'support@kestrel.example' }, token);
  const authentication = { spf: 'pass', dkim: 'pass', dmarc: 'pass', arc: undefined };
  const token = threadToken(secret, { id, number });
  switch (claim) {
    case 'token':
      return { toAddresses: [random.pick([address(token), address(token).toUpperCase()])] };
    case 'forgedToken':
      return { toAddresses: [address(threadToken(Buffer.from('guessed'), { id, number }))] };
    case 'references':
      return { referenceIds: [random.pick(messageIds), 'other@mail.example'] };
    case 'number':
      return { subject: `Re: [#${number}] Help`, authentication };
    case 'numberUnproven':
      return { subject: `Re: [#${number}] Help`, authentication: { ...authentication, dmarc: 'none' } };
    case 'none':
      return { inReplyTo: `${v7()}@kestrel.example` };
  }
}

/** Entries of the tickets whose messages came from others than those with a part. */
async function foreignEntries(tenant: MailTenant, known: readonly Known[]): Promise<number> {
  let foreign = 0;
  for (const { id, parts } of known) {
    for (const { messageId } of await tenant.entries(id)) {
      const { fromAddress = '', authentication } = await tenant.message(messageId!);
      if (fromAddress === agentAddress && authentication?.dmarc === 'pass') continue;
      if (!parts.has(fromAddress.toLowerCase())) foreign += 1;
    }
  }
  return foreign;
}

async function secretOf(tenantId: string): Promise<Buffer> {
  const superuser = await service.connectAsSuperuser();
  const { rows } = await superuser.query<{ secret: Buffer }>('select secret from mail_key where tenant_id = $1', [
    tenantId,
  ]);
  await superuser.end();
  return rows[0]!.secret;
}
