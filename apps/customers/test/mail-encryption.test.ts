import { MailOutcome } from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import { ThreadingRule } from '@rapport/contracts/rapport/content/v1/message';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newKeys, type Keys } from './databases.js';
import { EncryptedTenant, everythingIn } from './encrypted-tenant.js';
import { MailTenant } from './mail-tenant.js';
import { RunningCustomers } from './running-customers.js';

let service: RunningCustomers;
let keys: Keys;

// A service of its own: it has keys, and the test reads the whole database.
beforeAll(async () => {
  keys = await newKeys();
  service = await RunningCustomers.start({ keys, peer: 'sync', encryptionStalenessMs: 20, jobLookMs: 50 });
});
afterAll(() => service.stop());

test('messages of an encrypted workspace are nowhere in plaintext, and thread and send as others do', async () => {
  const mark = 'quillfeather';
  const tenant = await MailTenant.create(service);
  const address = `${mark}@example.com`;
  const early = await tenant.send({ to: [address], bcc: [`early-${address}`], subject: mark });
  await tenant.settle(await tenant.claim(), MailOutcome.HANDED_OVER);
  await new EncryptedTenant(service, tenant.caller).encrypt();

  const first = await tenant.receive({ fromAddress: address, fromName: mark, subject: mark, text: mark });
  const { id } = await tenant.send({ to: [address], bcc: [`late-${address}`], subject: mark, text: mark });
  const [claimed] = await tenant.claim();
  const second = await tenant.receive({ fromAddress: address, inReplyTo: first.message.internetMessageId, text: mark });
  const stored = await everythingIn([service.urls.ownerUrl, keys.databaseUrl]);

  expect(stored.toLowerCase()).not.toContain(mark);
  expect(claimed).toMatchObject({ message: { id, subject: mark }, envelopeTo: [address, `late-${address}`] });
  expect(second.message).toMatchObject({
    ticketId: first.ticketId,
    threadingRule: ThreadingRule.REFERENCES,
    text: mark,
  });
  expect(await tenant.raw(first.messageId)).toContain(mark);
  const copies = await service.call('getMessageBcc', { id: early.id }, tenant.caller);
  expect(copies.bccAddresses).toEqual([]);
});
