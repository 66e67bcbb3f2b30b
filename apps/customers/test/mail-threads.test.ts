import { MailOutcome } from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import { AutomaticKind, MessageState, ThreadingRule } from '@rapport/contracts/rapport/content/v1/message';
import { Template } from '@rapport/contracts/rapport/content/v1/template';
import { TicketEntryKind } from '@rapport/contracts/rapport/support/v1/ticket_entry';
import { v7 } from 'uuid';
import { expect, test } from 'vitest';
import { MailTenant } from './mail-tenant.js';
import { sharedMailCustomers } from './running-customers.js';
import { SupportTenant } from './support-tenant.js';

const service = await sharedMailCustomers();

const pass = { spf: 'pass', dkim: 'pass', dmarc: 'pass', arc: undefined };

/** A ticket of Ada that was answered automatically, and what the recipient of the answer knows. */
async function answeredTicket() {
  const tenant = await MailTenant.create(service);
  await autoReplyingQueue(tenant);
  const opened = await tenant.receive();
  const ticket = await tenant.ticket(opened.ticketId);
  const [claimed] = await tenant.claim();
  await tenant.settle([claimed!], MailOutcome.HANDED_OVER);
  return { tenant, ticket, opened, sent: claimed!.message!, replyTo: claimed!.replyTo! };
}

test('an answer carries the ids of the thread and the token of its ticket', async () => {
  const { opened, sent, replyTo } = await answeredTicket();
  expect(sent).toMatchObject({ inReplyTo: opened.message.internetMessageId, toAddresses: ['ada@example.com'] });
  expect(sent.referenceIds).toEqual([opened.message.internetMessageId]);
  expect(replyTo).toMatch(/^support\+t1-[a-z2-7]{18}@kestrel\.example$/);
});

test('the answers of the requester come to the ticket by token, by references and by number', async () => {
  const { tenant, ticket, opened, sent, replyTo } = await answeredTicket();
  const ways = [
    [ThreadingRule.TOKEN, { toAddresses: [replyTo.toUpperCase()] }],
    [ThreadingRule.TOKEN, { deliveredTo: [replyTo] }],
    [ThreadingRule.REFERENCES, { inReplyTo: sent.internetMessageId }],
    [ThreadingRule.REFERENCES, { referenceIds: [opened.message.internetMessageId!, 'unknown@example.com'] }],
    [ThreadingRule.NUMBER, { subject: 'Re: [#1] Help', authentication: pass }],
  ] as const;
  for (const [rule, parsed] of ways) {
    const { message } = await tenant.receive({ fromAddress: 'ADA@example.com', ...(parsed as object) });
    expect(message).toMatchObject({ ticketId: ticket.id, threadingRule: rule, refusedTicketId: undefined });
  }
  expect(await tenant.ticketCount()).toBe(1);
});

test('no forged header, number or token adds to a ticket of others', async () => {
  const { tenant, ticket, opened, sent, replyTo } = await answeredTicket();
  const before = await tenant.entries(ticket.id);
  const stolen = [
    { toAddresses: [replyTo] },
    { inReplyTo: sent.internetMessageId },
    { referenceIds: [opened.message.internetMessageId!, sent.internetMessageId!] },
    { subject: '[#1] Help', authentication: pass },
  ];
  for (const parsed of stolen) {
    const { message } = await tenant.receive({ fromAddress: 'mallory@example.net', ...parsed });
    expect(message).toMatchObject({ threadingRule: ThreadingRule.NEW, refusedTicketId: ticket.id });
    expect(message.ticketId).not.toBe(ticket.id);
    const kinds = (await tenant.entries(message.ticketId)).map(({ kind }) => kind);
    expect(kinds.slice(0, 2)).toEqual([TicketEntryKind.CUSTOMER_MESSAGE, TicketEntryKind.SYSTEM]);
  }
  // The address of the requester is easily forged: its domain does not vouch for the sender.
  const forged = [
    { subject: '[#1] Help' },
    { toAddresses: [`support+t1-${'a'.repeat(18)}@kestrel.example`] },
    { toAddresses: [replyTo.replace(/.@/, (end) => (end === 'a@' ? 'b@' : 'a@'))] },
    { toAddresses: ['support+t9zzzzzz-abcdefghijklmnopqr@kestrel.example'] },
    { inReplyTo: `${v7()}@kestrel.example` },
  ];
  for (const parsed of forged) {
    const { message } = await tenant.receive({ fromAddress: 'ada@example.com', ...parsed });
    expect(message.ticketId).not.toBe(ticket.id);
  }
  expect(await tenant.entries(ticket.id)).toEqual(before);
});

test('a token of one workspace means nothing in another one', async () => {
  const { replyTo } = await answeredTicket();
  const other = await answeredTicket();
  const { message } = await other.tenant.receive({ toAddresses: [replyTo] });
  expect(message.ticketId).not.toBe(other.ticket.id);
});

test('an id that a later message repeats still names the first thread', async () => {
  const { tenant, ticket, opened } = await answeredTicket();
  const internetMessageId = opened.message.internetMessageId!;
  const copy = await tenant.receive({
    ...{ internetMessageId, fromAddress: 'mallory@example.net', ccAddresses: ['ada@example.com'] },
  });
  const { message } = await tenant.receive({ referenceIds: [internetMessageId] });
  expect(copy.ticketId).not.toBe(ticket.id);
  expect(message.ticketId).toBe(ticket.id);
});

test('those who get copies have a part in the ticket', async () => {
  const tenant = await MailTenant.create(service);
  const opened = await tenant.receive({ ccAddresses: ['Bob@example.com'] });
  const { message } = await tenant.receive({
    ...{ fromAddress: 'bob@example.com', fromName: 'Bob', inReplyTo: opened.message.internetMessageId },
  });
  expect(message).toMatchObject({ ticketId: opened.ticketId, threadingRule: ThreadingRule.REFERENCES });
  const [first, second] = await tenant.entries(opened.ticketId);
  expect(second!.customerId).not.toBe(first!.customerId);
});

test('an answer to a closed ticket opens one that follows it', async () => {
  const { tenant, ticket, replyTo } = await answeredTicket();
  await service.call('setTicketStatus', { id: ticket.id, change: { status: 'closed' } }, tenant.caller);
  const { message } = await tenant.receive({ toAddresses: [replyTo] });
  const next = await tenant.ticket(message.ticketId);
  expect(next).toMatchObject({ followUpOfId: ticket.id, number: 2 });
});

test('a sender gets one automatic answer of a mailbox a day, and never to an answer of a program', async () => {
  const tenant = await MailTenant.create(service);
  await autoReplyingQueue(tenant);
  const first = await tenant.receive();
  const second = await tenant.receive({ subject: 'Another thing' });
  const other = await tenant.receive({ fromAddress: 'bob@example.com' });
  const claimed = await tenant.claim();
  const yesterday = await service.connectAsSuperuser();
  await yesterday.query(`update auto_reply set time = time - interval '1 day' where tenant_id = $1`, [tenant.tenantId]);
  await yesterday.end();
  const third = await tenant.receive({ subject: 'A day later' });

  expect(first.autoReplyId).toBeDefined();
  expect([second.autoReplyId, second.noAutoReplyReason]).toEqual([undefined, 'ANSWERED_TODAY']);
  expect(other.autoReplyId).toBeDefined();
  expect(third.autoReplyId).toBeDefined();
  expect(claimed.map(({ message }) => message!.toAddresses)).toEqual([['ada@example.com'], ['bob@example.com']]);
  expect(claimed[0]).toMatchObject({
    envelopeFrom: '',
    message: { automatic: AutomaticKind.REPLIED, inReplyTo: first.message.internetMessageId, text: 'We got #1.' },
  });
  expect(claimed[0]!.headers).toContainEqual({ name: 'Auto-Submitted', value: 'auto-replied' });
  const kinds = (await tenant.entries(first.ticketId)).map(({ kind }) => kind);
  expect(kinds).toEqual([TicketEntryKind.CUSTOMER_MESSAGE, TicketEntryKind.AUTO_REPLY]);
});

test('senders who write at the same time become one customer', async () => {
  const tenant = await MailTenant.create(service);
  const received = await Promise.all(Array.from({ length: 5 }, () => tenant.receive()));
  const customers = new Set(received.map(({ message }) => message.customerId));
  expect(received.every(({ state }) => state === MessageState.THREADED)).toBe(true);
  expect(customers.size).toBe(1);
});

/** A queue of the mailbox with a template for automatic answers. */
async function autoReplyingQueue({ mailboxId, caller }: MailTenant): Promise<void> {
  const template = {
    ...Template.decode(new Uint8Array()),
    ...{
      key: 'received',
      name: 'Received',
      kind: 1,
      format: 1,
      subject: 'We got it',
      body: 'We got #{{ ticket.number }}.',
    },
  };
  const { id } = await service.call('createTemplate', { template }, caller);
  await service.call('publishTemplate', { id }, caller);
  await new SupportTenant(service, caller).createQueue('inbox', { mailboxIds: [mailboxId], autoReplyTemplateId: id });
}
