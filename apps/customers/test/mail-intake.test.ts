import { createHash } from 'node:crypto';
import {
  AttachmentDisposition,
  AttachmentScan,
  MessageClass,
  MessageState,
  ThreadingRule,
} from '@rapport/contracts/rapport/content/v1/message';
import { TicketEntryKind } from '@rapport/contracts/rapport/support/v1/ticket_entry';
import { expect, test } from 'vitest';
import { MailTenant } from './mail-tenant.js';
import { sharedCustomers, sharedMailCustomers } from './running-customers.js';

const service = await sharedMailCustomers();

test('two messages with one Message-ID are both kept, and one place of a mailbox is stored once', async () => {
  const tenant = await MailTenant.create(service);
  const raw = 'Message-ID: <same@example.com>\r\n\r\nOne';
  const [first, second] = await tenant.store([raw, raw.replace('One', 'Two')]);
  const [again] = await tenant.store([raw], { uid: 1 });

  expect([first!.created, second!.created, again!.created]).toEqual([true, true, false]);
  expect(again!.messageId).toBe(first!.messageId);
  expect(second!.messageId).not.toBe(first!.messageId);
  const filed = [first, second].map((each) => tenant.file(each!.messageId, { internetMessageId: 'same@example.com' }));
  const [one, two] = await Promise.all(filed);
  expect(one!.ticketId).not.toBe(two!.ticketId);
  expect(await tenant.raw(second!.messageId)).toBe(raw.replace('One', 'Two'));
});

test('a new UIDVALIDITY is another place, and what is stored of a folder is listed by hash', async () => {
  const tenant = await MailTenant.create(service);
  const [first] = await tenant.store(['a'], { uid: 7 });
  const [other] = await tenant.store(['b'], { uid: 7, uidValidity: 2 });
  const { tenantId, mailboxId } = tenant;
  const place = { tenantId, mailboxId, folder: 'INBOX', afterUid: 0 };
  const { messages } = await service.call('listStoredMessages', { ...place, uidValidity: 1 });
  const behind = await service.call('listStoredMessages', { ...place, uidValidity: 1, afterUid: 7 });

  expect(other).toMatchObject({ created: true });
  expect(messages).toEqual([{ uid: 7, sha256: hashOf('a'), messageId: first!.messageId }]);
  expect(behind.messages).toEqual([]);
  for (const uid of [100, 20, 3]) await tenant.store([`c${uid}`], { uid, uidValidity: 3 });
  const inOrder = await service.call('listStoredMessages', { ...place, uidValidity: 3 });
  expect(inOrder.messages.map(({ uid }) => uid)).toEqual([3, 20, 100]);
});

test('bytes that differ from their hash are refused, and nothing of the call is stored', async () => {
  const tenant = await MailTenant.create(service);
  const { tenantId, mailboxId } = tenant;
  const items = [tenant.item('good'), { ...tenant.item('bad'), sha256: hashOf('other') }];
  await expect(service.call('storeMessages', { tenantId, mailboxId, items })).rejects.toMatchObject({
    violations: [{ field: 'items[1].sha256', reason: 'SHA256_DIFFERS' }],
  });
  const { messages } = await service.call('claimStoredMessages', { tenantId });
  expect(messages).toEqual([]);
});

test('a message that is larger than one call comes in pieces', async () => {
  const tenant = await MailTenant.create(service);
  const pieces = [Buffer.alloc(900_000, 'a'), Buffer.alloc(900_000, 'b')];
  const { messageId } = await tenant.storeLarge(pieces);
  expect(hashOf(await tenant.raw(messageId))).toBe(hashOf(Buffer.concat(pieces).toString()));
});

test('a message is parsed by one worker at a time, and again when its lease has ended', async () => {
  const tenant = await MailTenant.create(service);
  const { tenantId, mailboxId } = tenant;
  const [stored] = await tenant.store(['a message']);
  const [taken, none] = [
    await service.call('claimStoredMessages', { tenantId, leaseSeconds: 3_600 }),
    await service.call('claimStoredMessages', { tenantId }),
  ];
  expect(taken.messages).toMatchObject([{ messageId: stored!.messageId, mailboxId, attempts: 1, sizeBytes: 9 }]);
  expect(taken.messages[0]).toMatchObject({
    ownAddresses: ['support@kestrel.example'],
    ownDomains: ['kestrel.example'],
  });
  expect(none.messages).toEqual([]);
  await endLeases(tenantId);

  const { tenantIds } = await service.call('listUnparsedTenants', { afterTenantId: before(tenantId) });
  expect(tenantIds).toContain(tenantId);
  const again = await service.call('claimStoredMessages', { tenantId });
  expect(again.messages).toMatchObject([{ messageId: stored!.messageId, attempts: 2 }]);
  const returned = await service.call('claimStoredMessages', { tenantId, returnedMessageIds: [stored!.messageId] });
  expect(returned.messages).toMatchObject([{ messageId: stored!.messageId, attempts: 2 }]);
});

test('a first message opens a ticket of its sender, and filing it again changes nothing', async () => {
  const tenant = await MailTenant.create(service);
  const { messageId, message, ticketId } = await tenant.receive({
    ...{ subject: 'The order did not arrive', text: 'Where is it?', ccAddresses: ['bob@example.com'] },
    toAddresses: ['support@kestrel.example'],
  });
  const repeated = await tenant.file(messageId);

  expect(message).toMatchObject({ state: MessageState.THREADED, threadingRule: ThreadingRule.NEW, ticketId });
  const ticket = await tenant.ticket(ticketId);
  expect(ticket).toMatchObject({ subject: 'The order did not arrive', ccAddresses: ['bob@example.com'], number: 1 });
  const customer = await service.get(tenant.caller, ticket.customerId);
  expect(customer).toMatchObject({ displayName: 'Ada Lovelace', emails: [{ address: 'ada@example.com' }] });
  const entries = await tenant.entries(ticketId);
  expect(entries).toMatchObject([{ kind: TicketEntryKind.CUSTOMER_MESSAGE, text: 'Where is it?', messageId }]);
  expect(repeated).toMatchObject({ state: MessageState.THREADED, ticketId });
});

test('the attachment of a part is stored once, as a file of the message', async () => {
  const tenant = await MailTenant.create(service);
  const [stored] = await tenant.store(['x']);
  const file = await tenant.storeAttachment(stored!.messageId, 0, '../notes.txt', 'hello');
  const again = await tenant.storeAttachment(stored!.messageId, 0, '../notes.txt', 'hello');
  const files = await service.call('listFiles', { record: `messages/${stored!.messageId}` }, tenant.caller);

  expect(again).toEqual(file);
  expect(file).toMatchObject({ sizeBytes: 5, sha256: hashOf('hello'), contentType: 'text/plain' });
  expect(files.files.map(({ name }) => name).toSorted()).toEqual(['message.eml', 'notes.txt']);
});

test('reports and own messages open no ticket, and a program that answers opens one without an answer', async () => {
  const tenant = await MailTenant.create(service);
  for (const kind of [MessageClass.BOUNCE, MessageClass.COMPLAINT, MessageClass.OWN]) {
    const { message } = await tenant.receive({ class: kind });
    expect(message).toMatchObject({ state: MessageState.FILED, stateReason: MessageClass[kind] });
  }
  const own = await tenant.receive({ fromAddress: 'Support+t1-x@kestrel.example' });
  expect(own.message).toMatchObject({ state: MessageState.FILED, stateReason: 'OWN_ADDRESS' });
  const robot = await tenant.receive({ class: MessageClass.AUTO_REPLY, fromAddress: 'robot@example.com' });

  expect(robot).toMatchObject({ state: MessageState.THREADED, noAutoReplyReason: 'NOT_HUMAN' });
  expect(await tenant.entries(robot.ticketId)).toMatchObject([{ kind: TicketEntryKind.AUTO_REPLY }]);
  expect(await tenant.ticketCount()).toBe(1);
});

test('a forged sender waits in quarantine until a person releases it', async () => {
  const tenant = await MailTenant.create(service);
  const authentication = { spf: 'fail', dkim: 'none', dmarc: 'fail', arc: undefined };
  const { messageId, message } = await tenant.receive({ authentication });
  expect(message).toMatchObject({ state: MessageState.QUARANTINED, stateReason: 'DMARC_FAILED' });
  expect(await tenant.ticketCount()).toBe(0);

  const released = await service.call('releaseMessage', { id: messageId }, tenant.caller);
  expect(released).toMatchObject({ state: MessageState.THREADED });
  expect(await tenant.entries(released.ticketId)).toMatchObject([{ messageId }]);
  await expect(service.call('releaseMessage', { id: messageId }, tenant.caller)).rejects.toMatchObject({
    reason: 'MESSAGE_STATE',
  });
});

test('a message with a virus waits in quarantine, whatever its sender has proven', async () => {
  const tenant = await MailTenant.create(service);
  const authentication = { spf: 'pass', dkim: 'pass', dmarc: 'pass', arc: undefined };
  const described = { contentId: undefined, disposition: AttachmentDisposition.ATTACHMENT, contentType: 'text/csv' };
  const infected = { ...described, fileId: undefined, name: 'a.csv', sizeBytes: 1, sha256: 'ab'.repeat(32) };
  const attachments = [{ ...infected, scan: AttachmentScan.INFECTED }];
  const { message } = await tenant.receive({ authentication, attachments });
  expect(message).toMatchObject({ state: MessageState.QUARANTINED, stateReason: 'INFECTED' });
  expect(message.attachments).toMatchObject([{ name: 'a.csv', scan: AttachmentScan.INFECTED, fileId: undefined }]);
  expect(await tenant.ticketCount()).toBe(0);
});

test('a message that cannot be parsed waits in quarantine, and its release parses it again', async () => {
  const tenant = await MailTenant.create(service);
  const { tenantId } = tenant;
  const [stored] = await tenant.store(['\0']);
  const messageId = stored!.messageId;
  await service.call('rejectMessage', { tenantId, messageId, reason: 'PARSER_TIMEOUT' });
  expect(await tenant.message(messageId)).toMatchObject({
    ...{ state: MessageState.QUARANTINED, stateReason: 'PARSER_TIMEOUT' },
  });
  const released = await service.call('releaseMessage', { id: messageId }, tenant.caller);
  const { messages } = await service.call('claimStoredMessages', { tenantId });

  expect(released.state).toBe(MessageState.STORED);
  expect(messages).toMatchObject([{ messageId }]);
});

test('a message without a sender is moved to a ticket by a person', async () => {
  const tenant = await MailTenant.create(service);
  const { ticketId } = await tenant.receive();
  const lost = await tenant.receive({ fromAddress: undefined, fromName: undefined, text: 'Who am I?' });
  expect(lost.message.stateReason).toBe('NO_SENDER');
  const route = { ticketId: ticketId! };
  const moved = await service.call('rerouteMessage', { id: lost.messageId, route }, tenant.caller);

  expect(moved).toMatchObject({ state: MessageState.THREADED, threadingRule: ThreadingRule.MANUAL, ticketId });
  expect((await tenant.entries(ticketId)).map(({ text }) => text)).toEqual(['Hello', 'Who am I?']);
});

test('other processes than sync can not store messages', async () => {
  const customers = await sharedCustomers();
  const tenant = await MailTenant.create(service);
  const { tenantId, mailboxId } = tenant;
  const request = { tenantId, mailboxId, items: [tenant.item('x')] };
  await expect(customers.call('storeMessages', request)).rejects.toMatchObject({ reason: 'PERMISSION_MISSING' });
  await expect(service.call('storeMessages', request, tenant.caller)).rejects.toMatchObject({
    reason: 'PERMISSION_MISSING',
  });
});

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** An id before one. */
function before(id: string): string {
  return `${id.slice(0, -12)}000000000000`;
}

async function endLeases(tenantId: string): Promise<void> {
  const superuser = await service.connectAsSuperuser();
  await superuser.query(`update mail_job set lease_end_time = now() - interval '1 second' where tenant_id = $1`, [
    tenantId,
  ]);
  await superuser.end();
}
