import { MailOutcome } from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import {
  AutomaticKind,
  MessageClass,
  MessageState,
  ThreadingRule,
  TrimmedKind,
} from '@rapport/contracts/rapport/content/v1/message';
import { Template } from '@rapport/contracts/rapport/content/v1/template';
import type { ParsedMessage } from '@rapport/contracts/rapport/content/v1/mail_intake_service';
import { Customer, CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import { TicketReply } from '@rapport/contracts/rapport/support/v1/ticket_actions_service';
import { TicketEntryKind } from '@rapport/contracts/rapport/support/v1/ticket_entry';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { expect, test } from 'vitest';
import { MailTenant } from './mail-tenant.js';
import { sharedMailCustomers } from './running-customers.js';
import { idOf } from './scoped-tenant.js';
import { SupportTenant } from './support-tenant.js';

const service = await sharedMailCustomers();

const anyText: unknown = expect.any(String);
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

/** A user with the address agent@kestrel.example, and the messages of the user to a ticket. */
function agentOf(tenant: MailTenant, replyTo: string, rights: Partial<Caller> = {}) {
  const user: Caller = { ...tenant.caller, principalId: `user:${v7()}`, ...rights };
  const write = (parsed: Partial<ParsedMessage>) =>
    tenant.receive(
      { fromAddress: 'agent@kestrel.example', toAddresses: [replyTo], authentication: pass, ...parsed },
      user,
    );
  return { user, write };
}

test('what a user writes from the own address is a reply if the requester gets it, and else an internal note', async () => {
  const { tenant, ticket, replyTo } = await answeredTicket();
  const { user, write } = agentOf(tenant, replyTo);
  const note = await write({ text: 'The old plan.' });
  const reply = await write({ toAddresses: ['Ada@example.com'], ccAddresses: [replyTo], text: 'It is the old plan.' });
  const absence = await write({ class: MessageClass.AUTO_REPLY, text: 'I am away.' });

  expect([note.ticketId, reply.ticketId, absence.ticketId]).toEqual([ticket.id, ticket.id, undefined]);
  expect(absence.message).toMatchObject({ state: MessageState.FILED, stateReason: 'AUTO_REPLY' });
  expect((await tenant.entries(ticket.id)).slice(-2)).toMatchObject([
    { kind: TicketEntryKind.INTERNAL_NOTE, authorId: idOf(user), text: 'The old plan.', messageId: note.messageId },
    { kind: TicketEntryKind.PUBLIC_REPLY, authorId: idOf(user), text: 'It is the old plan.' },
  ]);
  expect(await tenant.ticket(ticket.id)).toMatchObject({ status: 'open', firstResponseTime: anyText });
  expect(await tenant.claim()).toEqual([]);
  const answer = { ...TicketReply.decode(new Uint8Array()), text: 'Is it fast now?' };
  await service.call('replyToTicket', { id: ticket.id, reply: answer }, tenant.caller);
  expect((await tenant.claim())[0]!.message!.toAddresses).toEqual(['ada@example.com']);
});

test('the address of a user or a colleague proves nothing by itself: what is forged goes into quarantine', async () => {
  const { tenant, ticket, opened, sent, replyTo } = await answeredTicket();
  await employ(tenant, ticket.customerId, 'example.com');
  const { user, write } = agentOf(tenant, replyTo);
  const before = await tenant.entries(ticket.id);
  const forged = [
    { toAddresses: [replyTo] },
    { toAddresses: ['support@kestrel.example'], inReplyTo: sent.internetMessageId },
    { toAddresses: ['support@kestrel.example'], referenceIds: [opened.message.internetMessageId!] },
    { ccAddresses: ['ada@example.com'] },
  ];
  const held = { state: MessageState.QUARANTINED, stateReason: 'SENDER_UNPROVEN', refusedTicketId: ticket.id };
  for (const authentication of [undefined, { ...pass, dmarc: 'none' }, { ...pass, dmarc: 'temperror' }]) {
    for (const parsed of forged) {
      const ofAgent = await write({ ...parsed, authentication });
      expect(ofAgent.message).toMatchObject({ ...held, ticketId: undefined });
      const ofColleague = await tenant.receive({
        toAddresses: [replyTo],
        ...parsed,
        authentication,
        fromAddress: 'eve@example.com',
      });
      expect(ofColleague.message).toMatchObject(held);
    }
  }
  expect((await write({ authentication: { ...pass, dmarc: 'fail' } })).message).toMatchObject({
    stateReason: 'DMARC_FAILED',
  });
  // A user without the right or the scope has no part by being a user.
  const barred = [
    { permissions: ['tickets.read'] },
    { recordScope: 'OWN' },
    { recordScope: 'TEAM', teamIds: [v7()] },
  ] as const;
  for (const rights of barred) {
    const { message } = await agentOf(tenant, replyTo, rights).write({});
    expect(message).toMatchObject({ threadingRule: ThreadingRule.NEW, refusedTicketId: ticket.id });
  }
  const ofOther = { ...user, tenantId: v7() };
  const [stored] = await tenant.store(['Subject: Help']);
  await expect(tenant.file(stored!.messageId, {}, ofOther)).rejects.toMatchObject({
    violations: [{ field: 'agentToken' }],
  });
  expect(await tenant.entries(ticket.id)).toEqual(before);
});

test('a colleague of the requester joins the thread when the domain of the company vouches for the sender', async () => {
  const { tenant, ticket, replyTo } = await answeredTicket();
  const colleague = { fromAddress: 'Eve@example.com', toAddresses: [replyTo], authentication: pass };
  const alien = await tenant.receive(colleague);
  await employ(tenant, ticket.customerId, 'example.com');
  const { message } = await tenant.receive(colleague);
  const quarantined = await tenant.receive({ ...colleague, authentication: undefined });
  const released = await service.call('releaseMessage', { id: quarantined.messageId }, tenant.caller);

  expect(alien.message).toMatchObject({ refusedTicketId: ticket.id });
  expect(message).toMatchObject({ ticketId: ticket.id, threadingRule: ThreadingRule.TOKEN });
  expect(released).toMatchObject({ ticketId: ticket.id, state: MessageState.THREADED, stateReason: undefined });
  expect((await tenant.entries(ticket.id)).at(-1)).toMatchObject({
    ...{ kind: TicketEntryKind.CUSTOMER_MESSAGE, customerId: message.customerId },
  });
});

/** Makes a customer one of a company with a domain. */
async function employ({ caller }: MailTenant, id: string, domain: string): Promise<void> {
  const blank = Customer.decode(new Uint8Array());
  const company = { ...blank, kind: CustomerKind.COMPANY, displayName: 'Engines', domains: [domain] };
  const { id: companyId } = await service.call('createCustomer', { customer: company }, caller);
  await service.call('updateCustomer', { id, customer: { ...blank, companyId }, updateMask: ['companyId'] }, caller);
}

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

test('the redaction of an entry reaches the texts of its message, and nothing of it is left but the raw bytes', async () => {
  const tenant = await MailTenant.create(service);
  const text = 'My card:\n> Which card?\n4111-2222 until May\n-- \nAda';
  const trimmed = [
    { start: 9, end: 23, kind: TrimmedKind.QUOTE },
    { start: 43, end: 50, kind: TrimmedKind.SIGNATURE },
  ];
  const visibleText = 'My card:\n4111-2222 until May\n';
  const { ticketId, messageId } = await tenant.receive({ text, visibleText, trimmed, html: '<p>4111-2222</p>' });
  const [entry] = await tenant.entries(ticketId);
  const redaction = { spans: [{ start: 3, end: 18 }] };
  await service.call('redactTicketEntry', { id: entry!.id, redaction }, tenant.caller);

  expect(await tenant.entries(ticketId)).toMatchObject([{ text: 'My █████\n█████████ until May\n' }]);
  expect(await tenant.message(messageId)).toMatchObject({
    ...{ text: 'My █████\n> Which card?\n█████████ until May\n-- \nAda', html: undefined, trimmed },
    visibleText: 'My █████\n█████████ until May\n',
  });
  const superuser = await service.connectAsSuperuser();
  const { rows } = await superuser.query(
    `select 1 from message where (message::text) like '%4111-2222%'
     union all select 1 from outbox where (outbox::text) like '%4111-2222%'
     union all select 1 from change_log where (change_log::text) like '%4111-2222%'`,
  );
  await superuser.end();
  expect(rows).toEqual([]);
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
