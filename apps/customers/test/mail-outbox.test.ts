import {
  Consent,
  ConsentState,
  ContactChannel,
  LegalBasis,
} from '@rapport/contracts/rapport/customers/v1/consents_service';
import { type Suppression, SuppressionReason } from '@rapport/contracts/rapport/customers/v1/suppressions_service';
import { BounceAction, MailOutcome } from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import { MessageClass, MessageDirection, MessageState } from '@rapport/contracts/rapport/content/v1/message';
import { Topic } from '@rapport/contracts/rapport/marketing/v1/topic';
import { Meeting } from '@rapport/contracts/rapport/work/v1/meeting';
import { v7 } from 'uuid';
import { expect, test } from 'vitest';
import { FilesTenant } from './files-tenant.js';
import { MailTenant } from './mail-tenant.js';
import { person, sharedMailCustomers } from './running-customers.js';

const service = await sharedMailCustomers();

test('a sent message is queued with an id of its own, claimed once and handed over', async () => {
  const tenant = await MailTenant.create(service);
  const ada = await service.create(tenant.caller, person({ emails: [{ address: 'ada@example.com' }] }));
  const queued = await tenant.send({ cc: ['bob@example.com'] });
  const { tenantIds } = await service.call('listQueuedTenants', { afterTenantId: before(tenant.tenantId) });
  const [claimed] = await tenant.claim();
  const none = await tenant.claim();
  const late = await tenant.settle([claimed!], MailOutcome.HANDED_OVER, '250 2.0.0 Ok: queued as 4711');
  const again = await tenant.settle([claimed!], MailOutcome.FAILED);

  expect(queued).toMatchObject({ direction: MessageDirection.OUT, state: MessageState.QUEUED, customerId: ada.id });
  expect(queued.internetMessageId).toMatch(/^[0-9a-f-]{36}@kestrel\.example$/);
  expect(tenantIds).toContain(tenant.tenantId);
  expect(claimed).toMatchObject({
    ...{ attempt: 1, envelopeTo: ['ada@example.com', 'bob@example.com'], headers: [] },
    message: { id: queued.id, state: MessageState.CLAIMED, fromAddress: 'support@kestrel.example' },
  });
  expect(claimed!.envelopeFrom).toMatch(/^support\+b[a-z2-7]{26}@kestrel\.example$/);
  expect([none, late, again]).toEqual([[], [], [queued.id]]);
  const sent = await tenant.message(queued.id);
  expect(sent).toMatchObject({ state: MessageState.HANDED_OVER, stateReason: '250 2.0.0 Ok: queued as 4711' });
  expect(sent.sendTime).toBeDefined();
});

test('a claim whose lease has ended is UNKNOWN and never claimed again, and its late outcome counts', async () => {
  const tenant = await MailTenant.create(service);
  const queued = [await tenant.send(), await tenant.send()];
  const claimed = await tenant.claim();
  await endLeases(tenant.tenantId);
  expect(await tenant.claim()).toEqual([]);
  for (const { id } of queued) {
    expect(await tenant.message(id)).toMatchObject({ state: MessageState.UNKNOWN, stateReason: 'LEASE_ENDED' });
  }
  await tenant.settle([claimed[0]!], MailOutcome.HANDED_OVER);
  await tenant.settle([claimed[1]!], MailOutcome.DEFERRED);
  const states = await Promise.all(queued.map(({ id }) => tenant.message(id)));

  expect(states.map(({ state }) => state)).toEqual([MessageState.HANDED_OVER, MessageState.FAILED]);
  expect(await tenant.claim()).toEqual([]);
});

test('what the relay has not taken is queued again, and resent or cancelled by a caller only', async () => {
  const tenant = await MailTenant.create(service);
  const { id } = await tenant.send();
  const [first] = await tenant.claim();
  await expect(service.call('cancelMessage', { id }, tenant.caller)).rejects.toMatchObject({ reason: 'MESSAGE_STATE' });
  await tenant.settle([first!], MailOutcome.DEFERRED);
  const [second] = await tenant.claim();
  await tenant.settle([second!], MailOutcome.UNKNOWN, 'The connection ended.');
  expect(await tenant.claim()).toEqual([]);
  const resent = await service.call('resendMessage', { id }, tenant.caller);
  expect(await tenant.settle([second!], MailOutcome.HANDED_OVER)).toEqual([id]);
  const cancelled = await service.call('cancelMessage', { id }, tenant.caller);

  expect([first!.attempt, second!.attempt]).toEqual([1, 2]);
  expect(resent.internetMessageId).toBe(first!.message!.internetMessageId);
  expect(cancelled.state).toBe(MessageState.CANCELLED);
  expect(await tenant.claim()).toEqual([]);
});

test('a message that the relay has deferred is claimed again when it is due, and others meanwhile', async () => {
  const tenant = await MailTenant.create(service);
  const { id } = await tenant.send();
  const [first] = await tenant.claim();
  const item = {
    messageId: id,
    attempt: first!.attempt,
    outcome: MailOutcome.DEFERRED,
    deferSeconds: 600,
    time: undefined,
  };
  await service.call('settleMessages', { tenantId: tenant.tenantId, items: [item] });
  const tenants = () => service.call('listQueuedTenants', { afterTenantId: before(tenant.tenantId) });
  expect((await tenants()).tenantIds).not.toContain(tenant.tenantId);
  const other = await tenant.send();
  expect((await tenant.claim()).map(({ message }) => message!.id)).toEqual([other.id]);
  await changeJobs(tenant.tenantId, 'due_time = now()');

  expect((await tenants()).tenantIds).toContain(tenant.tenantId);
  expect(await tenant.claim()).toMatchObject([{ message: { id }, attempt: 2 }]);
});

test('two workers never claim one message', async () => {
  const tenant = await MailTenant.create(service);
  const ids: string[] = [];
  for (let sent = 0; sent < 12; sent += 1) ids.push((await tenant.send()).id);
  const claims = (await Promise.all(Array.from({ length: 6 }, () => tenant.claim(3)))).flat();
  const rest = await tenant.claim(50);

  expect([...claims, ...rest].map(({ message }) => message!.id).toSorted()).toEqual(ids);
});

test('only the sender sees blind copies, and they get the message', async () => {
  const tenant = await MailTenant.create(service);
  const { id, bccCount } = await tenant.send({ bcc: ['carol@example.com'] });
  const [claimed] = await tenant.claim();
  const own = await service.call('getMessageBcc', { id }, tenant.caller);
  const other = { ...tenant.caller, principalId: `user:${v7()}` };

  expect(bccCount).toBe(1);
  expect(claimed!.envelopeTo).toEqual(['ada@example.com', 'carol@example.com']);
  expect(own.bccAddresses).toEqual(['carol@example.com']);
  await expect(service.call('getMessageBcc', { id }, other)).rejects.toMatchObject({ reason: 'NOT_SENDER' });
});

test('a bounce marks the message of its token, and suppresses the recipient that it names', async () => {
  const tenant = await MailTenant.create(service);
  const { id } = await tenant.send({ to: ['Ada@example.com'] });
  const [claimed] = await tenant.claim();
  await tenant.settle([claimed!], MailOutcome.HANDED_OVER);
  const token = /\+(b[^@]+)@/.exec(claimed!.envelopeFrom)![1]!;
  const report = { tenantId: tenant.tenantId, action: 1, status: '5.1.1', diagnostic: 'no such user' };
  const strange = await service.call('recordBounce', { ...report, token: 'bguessed', recipient: 'x@example.com' });
  const known = await service.call('recordBounce', { ...report, token, recipient: 'ada@example.com' });

  expect([strange.messageId, known.messageId]).toEqual([undefined, id]);
  expect(await tenant.message(id)).toMatchObject({ state: MessageState.BOUNCED, stateReason: '5.1.1 no such user' });
  await expect(tenant.send({ to: ['ada@example.com'] })).rejects.toMatchObject({
    violations: [{ field: 'outgoing.to[0]', reason: 'SUPPRESSED' }],
  });
});

test('a suppressed address gets no message by another spelling of its domain', async () => {
  const tenant = await MailTenant.create(service);
  const suppression = {
    channel: ContactChannel.EMAIL,
    address: 'ada@bücher.example',
    reason: SuppressionReason.MANUAL,
  };
  await service.call('createSuppression', { suppression: suppression as Suppression }, tenant.caller);

  await expect(tenant.send({ to: ['Ada@xn--bcher-kva.example'] })).rejects.toMatchObject({
    violations: [{ field: 'outgoing.to[0]', reason: 'SUPPRESSED' }],
  });
});

test('a report suppresses no address that the message was not sent to, nor after a delay', async () => {
  const tenant = await MailTenant.create(service);
  const { id } = await tenant.send();
  const [claimed] = await tenant.claim();
  const token = /\+(b[^@]+)@/.exec(claimed!.envelopeFrom)![1]!;
  const report = { tenantId: tenant.tenantId, token, status: '5.1.1' };
  await service.call('recordBounce', { ...report, action: 1, recipient: 'victim@example.com' });
  await service.call('recordBounce', { ...report, action: 2, recipient: 'ada@example.com' });

  expect((await tenant.message(id)).state).toBe(MessageState.BOUNCED);
  const sent = await tenant.send({ to: ['victim@example.com', 'ada@example.com'] });
  expect(sent.state).toBe(MessageState.QUEUED);
});

test('a mailbox that does not send is refused, and the messages of a removed one fail', async () => {
  const tenant = await MailTenant.create(service);
  await expect(tenant.send({ mailboxId: v7() })).rejects.toMatchObject({
    violations: [{ field: 'outgoing.mailboxId', reason: 'MAILBOX_UNKNOWN' }],
  });
  const { id } = await tenant.send();
  const { tenantId, mailboxId } = tenant;
  await service.call('deleteMailAddress', { tenantId, mailboxId });

  expect(await tenant.message(id)).toMatchObject({ state: MessageState.FAILED, stateReason: 'MAILBOX_REMOVED' });
  await expect(service.call('resendMessage', { id }, tenant.caller)).rejects.toMatchObject({ reason: 'MESSAGE_STATE' });
  await expect(tenant.send()).rejects.toMatchObject({
    violations: [{ field: 'outgoing.mailboxId', reason: 'MAILBOX_UNKNOWN' }],
  });
});

test('an address of a hidden customer is refused where the request has it', async () => {
  const tenant = await MailTenant.create(service);
  await service.create(tenant.caller, person({ emails: [{ address: 'ada@example.com' }] }));
  const caller = { ...tenant.caller, principalId: `user:${v7()}`, recordScope: 'OWN' as const };

  await expect(tenant.send({ to: ['ada@example.com'] }, caller)).rejects.toMatchObject({
    violations: [{ field: 'outgoing.to[0]', reason: 'EMAIL_TAKEN' }],
  });
});

test('files are attached by callers that can read their records only', async () => {
  const tenant = await MailTenant.create(service);
  const files = await FilesTenant.create(service, tenant.caller);
  const { id: customerId } = await service.create(tenant.caller, person());
  const file = await files.addFile(`customers/${customerId}`, 'the offer');
  await files.close();
  const sent = await tenant.send({ fileIds: [file.id], customerId });
  const permissions = tenant.caller.permissions.filter((each) => each !== 'customers.read');

  expect(sent.attachments).toMatchObject([{ fileId: file.id, name: 'notes.txt', sizeBytes: 9 }]);
  await expect(tenant.send({ fileIds: [file.id] }, { ...tenant.caller, permissions })).rejects.toMatchObject({
    reason: 'PERMISSION_MISSING',
  });
  await expect(tenant.send({ fileIds: [v7()] })).rejects.toMatchObject({
    violations: [{ field: 'outgoing.fileIds[0]', reason: 'FILE_NOT_FOUND' }],
  });
  const superuser = await service.connectAsSuperuser();
  await superuser.query('update file set size_bytes = 18 * 1024 * 1024 + 1 where id = $1', [file.id]);
  await superuser.end();
  await expect(tenant.send({ fileIds: [file.id] })).rejects.toMatchObject({
    violations: [{ field: 'outgoing.fileIds', reason: 'FILE_TOO_LARGE' }],
  });
});

/** An id before one. */
test('a message is not sent once its customer has answered or has a meeting, but after an automatic answer', async () => {
  const tenant = await MailTenant.create(service);
  const since = new Date().toISOString();
  const queued = [];
  for (const address of ['ada@example.com', 'bob@example.com', 'cyd@example.com', 'dan@example.com']) {
    const { id } = await service.create(tenant.caller, person({ emails: [{ address }] }));
    queued.push(await tenant.send({ to: [address], customerId: id, unlessAnsweredSince: since }));
  }
  const [ada, bob, cyd, dan] = queued;
  await tenant.receive();
  await tenant.receive({ fromAddress: 'bob@example.com', class: MessageClass.AUTO_REPLY });
  const times = { startTime: '2027-01-01T09:00:00Z', endTime: '2027-01-01T10:00:00Z' };
  const meeting = { subject: 'Demo', ...times, related: [{ type: 'customer', id: cyd!.customerId! }] };
  await service.call('createMeeting', { meeting: { ...Meeting.decode(new Uint8Array()), ...meeting } }, tenant.caller);

  expect((await tenant.claim()).map(({ message }) => message!.id)).toEqual([bob!.id, dan!.id]);
  for (const { id } of [ada!, cyd!]) {
    expect(await tenant.message(id)).toMatchObject({ state: MessageState.CANCELLED, stateReason: 'ANSWERED' });
  }
});

test('a message of a topic is sent with headers to unsubscribe, and only to customers that receive the topic', async () => {
  const tenant = await MailTenant.create(service);
  const topic = { ...Topic.decode(new Uint8Array()), key: 'tips', name: 'Tips', cap: { count: 1, days: 7 } };
  await service.call('createTopic', { topic }, tenant.caller);
  const [willing, silent] = await Promise.all(
    ['ada@example.com', 'bob@example.com'].map((address) =>
      service.create(tenant.caller, person({ emails: [{ address }] })),
    ),
  );
  const consent = {
    ...{ purpose: 'tips', channel: ContactChannel.EMAIL, state: ConsentState.GIVEN, source: 'test' },
    legalBasis: LegalBasis.CONSENT,
  };
  const given = { customerId: willing!.id, consent: { ...Consent.decode(new Uint8Array()), ...consent } };
  await service.call('createConsent', given, tenant.caller);
  const [sent, withheld, capped] = [
    await tenant.send({ customerId: willing!.id, topicKey: 'tips' }),
    await tenant.send({ to: ['bob@example.com'], customerId: silent!.id, topicKey: 'tips' }),
    await tenant.send({ customerId: willing!.id, topicKey: 'tips' }),
  ];
  const claimed = await tenant.claim();
  await tenant.settle(claimed, MailOutcome.DEFERRED);
  const again = await tenant.claim();

  expect([claimed, again].map((each) => each.map(({ message }) => message!.id))).toEqual([[sent.id], [sent.id]]);
  expect(again[0]!.headers).toEqual([
    { name: 'List-Unsubscribe', value: expect.stringMatching(/^<https?:\/\/[^ ]+\/u\/[\w-]+>$/) as string },
    { name: 'List-Unsubscribe-Post', value: 'List-Unsubscribe=One-Click' },
  ]);
  expect(await tenant.message(withheld.id)).toMatchObject({
    state: MessageState.CANCELLED,
    stateReason: 'CONSENT_MISSING',
  });
  expect(await tenant.message(capped.id)).toMatchObject({ state: MessageState.CANCELLED, stateReason: 'CAP_REACHED' });
  await expect(tenant.send({ to: ['nobody@example.com'], topicKey: 'tips' })).rejects.toMatchObject({
    violations: [{ field: 'outgoing.customerId', reason: 'REQUIRED' }],
  });
});

test('a complaint about a message of a topic withdraws the consent of its customer', async () => {
  const tenant = await MailTenant.create(service);
  const topic = {
    ...Topic.decode(new Uint8Array()),
    key: 'tips',
    name: 'Tips',
    legalBasis: LegalBasis.LEGITIMATE_INTERESTS,
  };
  await service.call('createTopic', { topic }, tenant.caller);
  const { id: customerId } = await service.create(tenant.caller, person({ emails: [{ address: 'ada@example.com' }] }));
  await tenant.send({ customerId, topicKey: 'tips' });
  const [claimed] = await tenant.claim();
  await tenant.settle([claimed!], MailOutcome.HANDED_OVER);
  const token = /\+(b[^@]+)@/.exec(claimed!.envelopeFrom)![1]!;
  const report = { tenantId: tenant.tenantId, token, action: BounceAction.COMPLAINT };
  const inForce = async () =>
    (await service.call('listConsents', { customerId, currentOnly: true }, tenant.caller)).consents;
  await service.call('recordBounce', { ...report, recipient: 'victim@example.com' });
  const before = await inForce();
  await service.call('recordBounce', { ...report, recipient: 'ada@example.com' });

  expect(before).toEqual([]);
  expect(await inForce()).toMatchObject([{ purpose: 'tips', state: ConsentState.WITHDRAWN, source: 'complaint' }]);
});

function before(id: string): string {
  return `${id.slice(0, -12)}000000000000`;
}

function endLeases(tenantId: string): Promise<void> {
  return changeJobs(tenantId, `lease_end_time = now() - interval '1 second'`);
}

async function changeJobs(tenantId: string, changes: string): Promise<void> {
  const superuser = await service.connectAsSuperuser();
  await superuser.query(`update mail_job set ${changes} where tenant_id = $1`, [tenantId]);
  await superuser.end();
}
