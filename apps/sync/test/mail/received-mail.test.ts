import { createHash } from 'node:crypto';
import { ScriptedClamd, sharedPlatform } from '@rapport/testing';
import { beforeAll, expect, inject, test } from 'vitest';
import { WebhookTenant } from '../sync-platform.ts';
import { until } from '../until.ts';
import { ApiMailbox, checked } from './api-mailbox.ts';
import { Chance, hostileMails } from './hostile-mails.ts';

let tenant: WebhookTenant;
let box: ApiMailbox;
beforeAll(async () => {
  tenant = await WebhookTenant.create(await sharedPlatform(inject('platformUrl')));
  box = await ApiMailbox.create(tenant, 'support@kestrel.invalid');
});

function mail(subject: string, body: string, ...headers: string[]): string {
  return ['From: Ada <ada@example.invalid>', checked, `Subject: ${subject}`, ...headers, '', body].join('\r\n');
}

const codeOf = ({ status, body }: { status: number; body: Record<string, unknown> }) => [status, body['code']];

test('mail that a client hands over opens a ticket, and its reply comes to it, by a key that may do nothing else', async () => {
  const key = await tenant.withKey({ permissions: ['mailboxes.receive'] });
  const only = new ApiMailbox(key, box.id);
  const first = mail('Broken', 'It is broken.', 'Message-ID: <first@example.invalid>');
  const receiveTime = '2026-11-29T08:00:00Z';
  const stored = await only.receive('first', first, { sender: 'ada@example.invalid', receiveTime });
  expect(stored).toMatchObject({ status: 200, body: { created: true, state: 'STORED' } });
  expect(stored.body['sha256']).toBe(createHash('sha256').update(first).digest('hex'));
  const { ticketId } = await box.settled('first', first);
  const reply = mail('Other words', 'And loud.', 'In-Reply-To: <first@example.invalid>');
  await only.receive('second', reply);
  const answered = await box.settled('second', reply);
  const token = `support+t1-nonsense@kestrel.invalid`;
  const bounce = mail('Undelivered', 'No such user.').replace('From: Ada <ada@', 'From: <mailer-daemon@');
  await only.receive('third', bounce, { sender: '<>', recipients: [token], clientAddress: '192.0.2.1' });
  const message = async (id: unknown) => tenant.ok('GET', `/v1/messages/${String(id)}`);
  const filed = await box.settled('third', bounce);

  expect(answered).toMatchObject({ state: 'THREADED', ticketId, created: false });
  expect(await tenant.ok('GET', `/v1/tickets/${String(ticketId)}`)).toMatchObject({ subject: 'Broken' });
  const { createdBy, ...opened } = await message(stored.body['messageId']);
  expect(opened).toMatchObject({ receiveTime: '2026-11-29T08:00:00.000Z', class: 'HUMAN', mailboxId: box.id });
  expect(opened['envelope']).toEqual({ sender: 'ada@example.invalid', recipients: [] });
  expect(createdBy).toMatch(/^apiKey:/);
  const envelope = { sender: '<>', recipients: [token], clientAddress: '192.0.2.1' };
  expect(await message(filed['messageId'])).toMatchObject({ state: 'FILED', class: 'BOUNCE', envelope });
  expect(await tenant.text(`/v1/messages/${String(stored.body['messageId'])}:raw`)).toBe(first);
  expect(codeOf(await key.send('GET', '/v1/mailboxes'))).toEqual([403, 'PERMISSION_MISSING']);
});

test('a delivery is one mail for good, and its id takes no other bytes', async () => {
  const raw = mail('Once', 'Hello');
  const answers = await Promise.all(Array.from({ length: 8 }, () => box.receive('once', raw)));
  const large = mail('Large', 'x'.repeat(1_100_000));
  const twice = await Promise.all([box.receive('large', large), box.receive('large', large)]);
  const other = await box.receive('once', mail('Other', 'Hello'));

  expect(new Set(answers.map(({ body }) => body['messageId'])).size).toBe(1);
  expect(answers.filter(({ body }) => body['created'] === true)).toHaveLength(1);
  expect(twice.map(({ body }) => body['created']).sort()).toEqual([false, true]);
  expect(codeOf(other)).toEqual([409, 'DELIVERY_ID_REUSED']);
  const messageId = String(answers[0]?.body['messageId']);
  expect(other.body).toMatchObject({ detail: expect.stringContaining(messageId) as string });
});

test('mails that nobody vouches for, or that break parsers, change nothing of others', async () => {
  const forged = mail('Forged', 'Pay now.').replace('dmarc=pass', 'dmarc=fail');
  const ownResult = 'spf=pass smtp.mailfrom="a; dmarc=pass"@example.invalid; dmarc=fail (b; dmarc=pass)';
  const smuggled = mail('Smuggled', 'Pay now.').replace('dmarc=pass', ownResult);
  const parts = ['--b', 'Content-Disposition: attachment; filename=a', '', ScriptedClamd.marker, '--b--'].join('\r\n');
  const infected = mail('Infected', parts, 'Content-Type: multipart/mixed; boundary=b');
  await Promise.all([
    box.receive('forged', forged),
    box.receive('smuggled', smuggled),
    box.receive('infected', infected),
  ]);
  const hostile = [...hostileMails(new Chance(26), 45, 2)].filter(({ kind, raw }) => kind % 4 === 0 && raw.length > 0);
  const taken = [];
  for (const [at, { raw }] of hostile.entries()) taken.push(await box.receive(`hostile-${at}`, raw));
  await box.receive('after', mail('After', 'Hello'));
  const after = await box.settled('after', mail('After', 'Hello'));
  const waiting = async () => {
    const filter = encodeURIComponent(`mailboxId = "${box.id}" AND state = STORED`);
    return (await tenant.ok<{ messages: unknown[] }>('GET', `/v1/messages?filter=${filter}`)).messages;
  };
  await until(async () => (await waiting()).length === 0);

  expect(taken.filter(({ body }) => body['created'] !== true)).toEqual([]);
  expect(after).toMatchObject({ state: 'THREADED' });
  expect(await box.settled('forged', forged)).toMatchObject({ state: 'QUARANTINED' });
  expect(await box.settled('smuggled', smuggled)).toMatchObject({ state: 'QUARANTINED' });
  expect(await box.settled('infected', infected)).toMatchObject({ state: 'QUARANTINED' });
});

test('what is no mail of an API mailbox that works is refused, and stores nothing', async () => {
  const raw = mail('Refused', 'Hello');
  const stranger = await WebhookTenant.create(tenant.platform);
  const { id: sending } = await tenant.ok('POST', '/v1/mailboxes', { address: 'n@kestrel.invalid', kind: 'SEND_ONLY' });
  const paused = await ApiMailbox.create(tenant, 'paused@kestrel.invalid');
  const path = `/v1/mailboxes/${paused.id}`;
  expect(await tenant.ok('POST', `${path}:pause`)).toMatchObject({ state: 'PAUSED' });
  const foreign = new ApiMailbox(stranger, box.id);
  const plain = { contentType: 'text/plain' };
  const fields = { sender: 'nobody', recipients: ['a b@c'], clientAddress: '1.2.3' };
  const refused = [
    [await foreign.receive('a', raw), 404, 'MAILBOX_NOT_FOUND'],
    [await new ApiMailbox(tenant, String(sending)).receive('a', raw), 409, 'MAILBOX_KIND_UNSUPPORTED'],
    [await paused.receive('a', raw), 409, 'MAILBOX_PAUSED'],
    [await box.receive('a', raw, plain), 415, 'CONTENT_TYPE_UNSUPPORTED'],
    [await box.receive('a', Buffer.alloc(50 * 1_024 * 1_024 + 1, 'a')), 413, 'BODY_TOO_LARGE'],
    [await box.receive('a', raw, fields), 400, 'VALIDATION_FAILED'],
    [await box.receive('a', raw, { clientAddress: '1.2.3' }), 400, 'VALIDATION_FAILED'],
    [await box.receive('', raw), 400, 'VALIDATION_FAILED'],
    [await box.receive('a', ''), 400, 'VALIDATION_FAILED'],
    [await tenant.send('POST', `${path}:test`), 409, 'MAILBOX_KIND_UNSUPPORTED'],
    [await tenant.send('POST', `${path}:reconcile`, {}), 409, 'MAILBOX_KIND_UNSUPPORTED'],
    [await tenant.send('POST', `${path}:resync`, {}), 409, 'MAILBOX_KIND_UNSUPPORTED'],
    [
      await tenant.send('POST', '/v1/mailboxes', { address: 'x@kestrel.invalid', kind: 'API', imap: { host: 'a' } }),
      400,
      'VALIDATION_FAILED',
    ],
  ] as const;
  const resumed = await tenant.ok('POST', `${path}:resume`);
  const stored = await paused.receive('a', raw);

  expect(refused.map(([answer]) => codeOf(answer))).toEqual(refused.map(([, status, code]) => [status, code]));
  expect(resumed).toMatchObject({ kind: 'API', state: 'ACTIVE', folders: [] });
  expect(resumed).not.toHaveProperty('lagSeconds');
  expect(stored.body).toMatchObject({ created: true });
});

test('a mail of tables that are within each other by the thousand is received with its text', async () => {
  const tables = `${'<table><tr><td>'.repeat(30_000)}Hello${'</td></tr></table>'.repeat(30_000)}`;
  const raw = mail('Deep', tables, 'Content-Type: text/html');
  await box.receive('deep', raw);
  const { state, messageId } = await box.settled('deep', raw);

  expect(state).toBe('THREADED');
  expect(await tenant.ok('GET', `/v1/messages/${String(messageId)}`)).toMatchObject({ text: 'Hello', html: 'Hello' });
});
