import { ScriptedRelay, sharedPlatform } from '@rapport/testing';
import { dkimVerify } from 'mailauth';
import { simpleParser } from 'mailparser';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { until } from '../until.ts';
import { MailTenant } from './mail-tenant.ts';

type Json = Record<string, unknown>;

const platform = await sharedPlatform(inject('platformUrl'));
let relay: ScriptedRelay;

beforeEach(async () => {
  relay = await ScriptedRelay.start();
});

afterEach(() => relay.stop());

test('a message is handed over once, with its Message-ID, to all recipients, and signed', async () => {
  const tenant = await MailTenant.create(platform, relay, { dkim: { domain: 'example.com' } });
  const path = `/v1/relays/${tenant.relayId}:rotateDkim`;
  const { record } = await tenant.api.ok<{ record: { name: string; value: string } }>('POST', path, { activate: true });
  const more = { to: ['ada@example.net', 'bob@example.net'], cc: ['cy@example.net'], bcc: ['eve@example.net'] };
  const { id, internetMessageId } = await tenant.send({ ...more, subject: 'Grüße', text: 'Hello.\n.\nEnd.' });

  const sent = await tenant.inState(id, 'HANDED_OVER');
  expect(sent.stateReason).toContain('250');
  expect(relay.received).toHaveLength(1);
  const [mail] = relay.received;
  expect(mail?.from).toMatch(/^support\+b[a-z2-7]{26}@example\.com$/);
  expect(mail?.to.toSorted()).toEqual(['ada@example.net', 'bob@example.net', 'cy@example.net', 'eve@example.net']);
  const content = mail?.content ?? '';
  expect(content).toContain('From: Support <support@example.com>\r\n');
  expect(content).toContain(`Message-ID: <${internetMessageId}>`);
  expect(content).not.toContain('eve@');
  expect(content).not.toMatch(/^Auto-Submitted:/m);
  const verified = await dkimVerify(Buffer.from(content), {
    resolver: (name: string) => Promise.resolve(name === record.name ? [[record.value]] : []),
  });
  expect(verified.results.map(({ status, signingDomain }) => [status.result, signingDomain])).toEqual([
    ['pass', 'example.com'],
  ]);
});

test('a message is UNKNOWN when the connection ends after its data, and is sent again only if a person says so', async () => {
  const tenant = await MailTenant.create(platform, relay);
  relay.script = (moment) => (moment === 'DOT' ? 'CUT' : undefined);
  const { id, internetMessageId } = await tenant.send();
  await tenant.inState(id, 'UNKNOWN');

  relay.script = () => undefined;
  const { id: other } = await tenant.send({ subject: 'Another' });
  await tenant.inState(other, 'HANDED_OVER');
  expect((await tenant.message(id)).state).toBe('UNKNOWN');
  expect(relay.received).toHaveLength(2);

  await tenant.api.ok('POST', `/v1/messages/${id}:resend`);
  await tenant.inState(id, 'HANDED_OVER');
  const twins = relay.received.filter(({ content }) => content.includes(internetMessageId));
  expect(twins.map(({ isAccepted }) => isAccepted)).toEqual([false, true]);
});

test('messages stay QUEUED while the relay is down or defers them, and are sent then', async () => {
  const tenant = await MailTenant.create(platform, relay);
  relay.script = (moment) => (moment === 'CONNECT' ? { code: 421, text: 'Closing' } : undefined);
  const { id } = await tenant.send();
  await until(async () => (await tenant.relay())['state'] === 'FAILING');
  expect(await tenant.message(id)).toMatchObject({ state: 'QUEUED' });
  expect(await tenant.relay()).toMatchObject({ stateReason: expect.stringContaining('421') as string });

  // A greylisting relay refuses a recipient once.
  let refusals = 0;
  relay.script = (moment) => (moment === 'RCPT' && refusals++ === 0 ? { code: 451, text: 'Later' } : undefined);
  await tenant.api.ok('POST', `/v1/relays/${tenant.relayId}:test`);
  await tenant.inState(id, 'HANDED_OVER');
  expect(refusals).toBe(2);
  expect(relay.received).toHaveLength(1);
  expect(await tenant.relay()).toMatchObject({ state: 'ACTIVE' });
});

test('a message that the relay refuses is FAILED with the answer, and others are sent', async () => {
  const tenant = await MailTenant.create(platform, relay);
  relay.script = (moment, { to }) =>
    moment === 'RCPT' && to[0] === 'gone@example.net' ? { code: 550, text: '5.1.1 Unknown user' } : undefined;
  const refused = await tenant.send({ to: ['gone@example.net'] });
  const others = await Promise.all(Array.from({ length: 5 }, (_, at) => tenant.send({ subject: `Mail ${at}` })));

  expect(await tenant.inState(refused.id, 'FAILED')).toMatchObject({
    stateReason: expect.stringContaining('5.1.1') as string,
  });
  for (const { id } of others) await tenant.inState(id, 'HANDED_OVER');
  expect(relay.accepted).toHaveLength(5);
});

/** A file of a customer. @returns its id */
async function addFile({ api }: MailTenant): Promise<string> {
  const record = `customers/${await api.createCustomer()}`;
  const file = { record, name: 'notes.txt', contentType: 'text/plain' };
  const { id } = await api.ok<{ id: string }>('POST', '/v1/fileUploads', file);
  await api.ok('PUT', `/v1/fileUploads/${id}/content`, { notes: 'the offer' });
  return id;
}

/** Hides the bytes of all files, or shows them again. */
async function moveBytes({ api }: MailTenant, by: number): Promise<void> {
  const move = 'update file_piece set start = start + $2 where tenant_id = $1';
  await api.query(move, [api.tenant.tenantId, by], 'customers');
}

test('a message whose attachment can not be read is tried again by itself, and rests the relay for no other', async () => {
  const tenant = await MailTenant.create(platform, relay);
  const fileIds = [await addFile(tenant)];
  await moveBytes(tenant, 1_000);
  const unread: string[] = [];
  const failed = 'select from message where tenant_id = $1 and id = $2 and state_reason is not null';
  // After so many failures in a row, a relay rests for minutes.
  for (let at = 0; at < 6; at += 1) {
    const { id } = await tenant.send({ fileIds });
    // Looked for where that costs a tenth of a call.
    const values = [tenant.api.tenant.tenantId, id];
    await until(async () => (await tenant.api.query(failed, values, 'customers')).length > 0);
    unread.push(id);
  }
  const { id } = await tenant.send();
  await tenant.inState(id, 'HANDED_OVER');
  expect(await tenant.relay()).toMatchObject({ state: 'ACTIVE' });
  expect(relay.received).toHaveLength(1);

  await moveBytes(tenant, -1_000);
  await tenant.inState(unread.at(-1) ?? '', 'HANDED_OVER');
  expect(relay.received[1]?.content).toContain('filename=notes.txt');
});

async function publish({ api }: MailTenant, key: string, definition: Json): Promise<void> {
  const { id } = await api.ok<{ id: string }>('POST', '/v1/flows', { key, name: key, definition });
  await api.ok('POST', `/v1/flows/${id}:publish`);
}

test('a flow sends a message once, marked as automatic, and another one runs after a change of the message', async () => {
  const tenant = await MailTenant.create(platform, relay);
  await publish(tenant, 'tell', {
    trigger: { record: { type: 'customer', operations: ['CREATE'] } },
    steps: [
      { key: 'tell', send: { to: ["'boss@example.org'"], subject: "'New: ' + record.displayName", text: "'.'" } },
    ],
  });
  await publish(tenant, 'unsent', {
    trigger: {
      record: { type: 'message', operations: ['UPDATE'], changedFields: ['state'], filter: 'state = FAILED' },
    },
    steps: [{ key: 'look', addTask: { subject: "'Not sent: ' + record.subject", isUnrelated: true } }],
  });
  relay.script = (moment) => (moment === 'DOT' ? { code: 554, text: 'Refused' } : undefined);
  await tenant.api.createCustomer('Ada');

  await until(async () => {
    const { tasks } = await tenant.api.ok<{ tasks: Json[] }>('GET', '/v1/tasks');
    return tasks.some(({ subject }) => subject === 'Not sent: New: Ada');
  });
  expect(relay.received).toEqual([expect.objectContaining({ to: ['boss@example.org'] })]);
  expect(relay.received[0]?.content).toMatch(/^Auto-Submitted: auto-generated\r$/m);
});

test('a flow answers a new ticket, as a machine', async () => {
  const tenant = await MailTenant.create(platform, relay);
  await publish(tenant, 'welcome', {
    trigger: { record: { type: 'ticket', operations: ['CREATE'] } },
    steps: [{ key: 'answer', reply: { text: "'We have received: ' + record.subject", thenStatus: 'pending' } }],
  });
  const customerId = await tenant.api.createCustomer('Ada', { emails: [{ address: 'ada@example.net' }] });
  const ticket = { subject: 'No light', customerId, mailboxId: tenant.mailboxId };
  const { id } = await tenant.api.ok<{ id: string }>('POST', '/v1/tickets', ticket);

  await until(async () => (await tenant.api.ok('GET', `/v1/tickets/${id}`))['status'] === 'pending');
  const filter = encodeURIComponent(`ticketId = ${id} AND kind = PUBLIC_REPLY`);
  const { ticketEntries } = await tenant.api.ok<{ ticketEntries: Json[] }>('GET', `/v1/ticketEntries?filter=${filter}`);
  expect(ticketEntries).toEqual([expect.objectContaining({ by: 'MACHINE', text: 'We have received: No light' })]);
});

/** A user with a digest whose time comes once there is something unread. */
async function digestUser({ api }: MailTenant, state: string, more: Json): Promise<{ id: string; email: string }> {
  const email = `${crypto.randomUUID()}@example.net`;
  const user = { email, displayName: 'Bo', roleIds: ['member'], ...more };
  const { id } = await api.ok<{ id: string }>('POST', '/v1/users', user);
  const { tenantId } = api.tenant;
  await api.query('update user_account set state = $3 where tenant_id = $1 and id = $2', [tenantId, id, state], 'auth');
  const inbox = `insert into notification_inbox (tenant_id, user_id, digest_hour) values ($1, $2, 8)`;
  await api.query(inbox, [tenantId, id], 'customers');
  return { id, email };
}

test('unread notifications are mailed once, in the language of active users, as far as they see the records', async () => {
  const tenant = await MailTenant.create(platform, relay);
  const { api } = tenant;
  const permissions = ['notifications.read', 'tasks.read'];
  const blind = { displayName: 'Blind', permissions, recordScope: 'ALL', hidesPii: true };
  const { id: roleId } = await api.ok<{ id: string }>('POST', '/v1/roles', blind);
  const users = [
    await digestUser(tenant, 'ACTIVE', {}),
    await digestUser(tenant, 'ACTIVE', { locale: 'zh-CN', roleIds: [roleId] }),
    await digestUser(tenant, 'DISABLED', {}),
  ] as const;
  const ids: string[] = [];
  for (const { id: ownerId } of users) {
    ids.push((await api.ok<{ id: string }>('POST', '/v1/tasks', { subject: 'Call Eve', ownerId })).id);
  }
  await api.query(
    `with due as (insert into timer (tenant_id, id, kind, record_type, record_id, purpose, due_time, payload, state, create_time)
       select tenant_id, gen_random_uuid(), 'notification.digest', 'user', user_id, 'daily', now(), '{}', 'PENDING', now()
       from notification_inbox where tenant_id = $1 returning tenant_id, id, due_time)
     insert into timer_job (tenant_id, timer_id, next_time) select * from due`,
    [api.tenant.tenantId],
    'customers',
  );
  const waiting = `select from timer_job where tenant_id = $1 and next_time <= now()
    union all select from mail_job where tenant_id = $1`;
  await until(async () => (await api.query(waiting, [api.tenant.tenantId], 'customers')).length === 0);

  const mails = await Promise.all(relay.received.map(({ content }) => simpleParser(content)));
  expect(relay.received.map(({ to }) => to).toSorted()).toEqual([[users[0].email], [users[1].email]].toSorted());
  const english = mails.find(({ subject }) => subject === '1 unread notification');
  expect(english?.text).toContain(`- Assigned to you: Call Eve\n  ${platform.edgeUrl}/tasks/${ids[0]}\n`);
  expect(english?.text).toContain(`${platform.edgeUrl}/notifications/preferences`);
  expect(english?.html).toContain('Assigned to you: Call Eve</a>');
  expect(english?.headers.get('auto-submitted')).toBe('auto-generated');
  const masked = mails.find(({ subject }) => subject === '1 条未读通知');
  expect(masked?.text).toContain('- 分配给您：***\n');
  expect(await tenant.messages()).toEqual([]);
});
