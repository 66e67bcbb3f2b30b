import { MessageState } from '@rapport/contracts/rapport/content/v1/message';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { MailTenant } from './mail-tenant.js';
import { person, sharedMailCustomers } from './running-customers.js';
import { tablesWith } from './tables-with.js';

const service = await sharedMailCustomers();
/** Sees the rows of all tables. */
let superuser: pg.Client;
beforeAll(async () => {
  superuser = await service.connectAsSuperuser();
});
afterAll(() => superuser.end());

test('an erasure reaches the messages of a person, their bytes, attachments and blind copies', async () => {
  const mark = `m${crypto.randomUUID().slice(0, 8)}`;
  const tenant = await MailTenant.create(service);
  const address = `${mark}@example.com`;
  const [stored] = await tenant.store([`From: ${address}\r\nSubject: ${mark}\r\n\r\n${mark}`]);
  const { messageId } = stored!;
  const { fileId, sha256, sizeBytes } = await tenant.storeAttachment(messageId, 0, `${mark}.txt`, `I am ${mark}`);
  const attachment = { fileId, sha256, sizeBytes, name: `${mark}.txt`, contentId: undefined, disposition: 2 };
  const { ticketId } = await tenant.file(messageId, {
    ...{ fromAddress: address, fromName: mark, subject: mark, text: mark, html: `<p>${mark}</p>`, visibleText: mark },
    attachments: [{ ...attachment, contentType: 'text/plain', scan: 4 }],
  });
  const { customerId } = await tenant.ticket(ticketId);
  const sent = await tenant.send({ to: [address], bcc: [`other-${address}`], subject: mark, text: `Dear ${mark}` });
  const before = await tablesWith(superuser, mark);
  await service.call('eraseCustomer', { id: customerId, erasure: { reason: 'case 4711' } }, tenant.caller);

  expect(before).toEqual(
    expect.arrayContaining(['file', 'file_piece', 'mail_envelope', 'message', 'ticket', 'ticket_entry']),
  );
  await vi.waitFor(async () => expect(await tablesWith(superuser, mark)).toEqual([]), {
    timeout: 10_000,
    interval: 200,
  });
  const erased = await tenant.message(messageId);
  expect(erased).toMatchObject({ subject: '', text: undefined, customerId: undefined, fromAddress: undefined });
  expect(await tenant.raw(messageId)).toBe('');
  expect((await tenant.message(sent.id)).toAddresses).toEqual([]);
  const { tenantId, mailboxId } = tenant;
  const place = { tenantId, mailboxId, folder: 'INBOX', uidValidity: 1, afterUid: 0 };
  const { messages } = await service.call('listStoredMessages', place);
  expect(messages).toEqual([{ uid: 1, sha256: undefined, messageId }]);
});

test('a message without recipients, since these were erased, is not sent', async () => {
  const tenant = await MailTenant.create(service);
  const { id: customerId } = await service.create(tenant.caller, person());
  const { id } = await tenant.send({ customerId });
  await service.call('eraseCustomer', { id: customerId, erasure: { reason: 'case 4711' } }, tenant.caller);
  expect(await tenant.claim()).toEqual([]);
  expect(await tenant.message(id)).toMatchObject({ state: MessageState.CANCELLED, stateReason: 'ERASED' });
});
