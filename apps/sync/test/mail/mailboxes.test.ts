import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mailClients, ScriptedClamd, sharedPlatform, startDovecot, type Dovecot } from '@rapport/testing';
import { ImapFlow } from 'imapflow';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { WebhookTenant } from '../sync-platform.ts';

type Json = Record<string, unknown>;

let dovecot: Dovecot;
beforeAll(async () => {
  dovecot = await startDovecot();
});
afterAll(async () => dovecot.stop());

const untilMs = 60_000;

async function newTenant(): Promise<WebhookTenant> {
  return WebhookTenant.create(await sharedPlatform(inject('platformUrl')));
}

function account(user: string, more: Json = {}) {
  const credentials = { user, password: dovecot.password };
  return { host: '127.0.0.1', port: dovecot.port, security: 'NONE', credentials, ...more };
}

async function client(user: string): Promise<ImapFlow> {
  const auth = { user, pass: dovecot.password };
  const connection = { host: '127.0.0.1', port: dovecot.port, secure: false, doSTARTTLS: false };
  const imap = new ImapFlow({ ...connection, auth, logger: false });
  await imap.connect();
  return imap;
}

/** The server of the mailboxes has checked the sender. */
const checked = 'Authentication-Results: mx.kestrel.invalid; dmarc=pass';

function mail(subject: string, ...more: string[]): string {
  const from = 'From: Ada Lovelace <ada@example.invalid>';
  return [from, checked, 'To: support@kestrel.invalid', `Subject: ${subject}`, ...more].join('\r\n');
}

/** What `make-replies.ts` has made: the reply of a client to a message. */
function replyOf(client: string, internetMessageId: string): Buffer {
  const text = readFileSync(join(import.meta.dirname, `../fixtures/replies/${client}.eml`), 'latin1');
  const reply = text.replaceAll('01900000-0000-7000-8000-000000000000@kestrel.invalid', internetMessageId);
  return Buffer.from(`${checked}\r\n${reply}`, 'latin1');
}

/** A mail that Gmail made, and one that it belongs to. */
const gmailForward = readFileSync(join(import.meta.dirname, '../fixtures/public-mails/gmail-forward.eml'), 'latin1');
const gmailAddress = 'xxxxxxxxx.xxxxxxx@gmail.com';
const gmailFirst = `From: ${gmailAddress}\r\nMessage-ID: <F6E2D0B4-CC35-4A91-BA4C-C7C712B10C13@mac.com>\r\n\r\nHi\r\n`;

async function messages(tenant: WebhookTenant): Promise<Json[]> {
  return (await tenant.ok<{ messages: Json[] }>('GET', '/v1/messages?orderBy=createTime')).messages;
}

test('mail of a mailbox opens a ticket, replies of clients come to it, and the mailbox agrees with the server', async () => {
  const tenant = await newTenant();
  const user = `support-${tenant.tenant.tenantId}`;
  const imap = await client(user);
  await imap.append('INBOX', mail('Before', '', 'Hello'));
  const address = 'support@kestrel.invalid';
  const authservId = 'mx.kestrel.invalid';
  const body = { address, kind: 'IMAP', imap: account(user), authservId };
  const { id } = await tenant.ok('POST', '/v1/mailboxes', body);
  await expect.poll(() => messages(tenant), { timeout: untilMs }).toHaveLength(1);
  const parts = [
    ...['Content-Type: multipart/mixed; boundary=b', '', '--b', 'Content-Type: text/plain', '', 'It is broken.', ''],
    ...['On Monday, Kestrel wrote:', '> Does it work?', '--b', 'Content-Type: text/csv; name=log.csv'],
    ...['Content-Disposition: attachment; filename=log.csv', '', 'a,b', '--b--', ''],
  ];
  await imap.append('INBOX', mail('While it is watched', 'Message-ID: <watched@example.invalid>', ...parts));
  await imap.append('INBOX', mail('Forged', '', 'Pay now.').replace('dmarc=pass', 'dmarc=fail'));
  await imap.append('INBOX', `${checked}\r\n${gmailFirst}`);
  await imap.append('INBOX', mail('Infected', ...parts).replace('a,b', ScriptedClamd.marker));
  const settled = async () => (await messages(tenant)).map(({ state }) => state).sort();
  const states = ['QUARANTINED', 'QUARANTINED', 'THREADED', 'THREADED', 'THREADED'];
  await expect.poll(settled, { timeout: untilMs }).toEqual(states);

  const found = await messages(tenant);
  const watched = found.find(({ subject }) => subject === 'While it is watched') ?? {};
  expect(watched).toMatchObject({ class: 'HUMAN', fromAddress: 'ada@example.invalid', mailboxId: id });
  expect(watched['attachments']).toMatchObject([{ name: 'log.csv', contentType: 'text/csv', scan: 'CLEAN' }]);
  const infected = (await messages(tenant)).find(({ subject }) => subject === 'Infected') ?? {};
  expect(infected).toMatchObject({ stateReason: 'INFECTED', attachments: [{ name: 'log.csv', scan: 'INFECTED' }] });
  expect(infected['attachments']).not.toMatchObject([{ fileId: expect.any(String) as string }]);
  expect(String(watched['visibleText'])).not.toContain('Does it work?');
  const ticket = await tenant.ok('GET', `/v1/tickets/${String(watched['ticketId'])}`);
  expect(ticket).toMatchObject({ subject: 'While it is watched', channel: 'EMAIL' });
  for (const each of mailClients) await imap.append('INBOX', replyOf(each, 'watched@example.invalid'));
  await imap.append('INBOX', `${checked}\r\n${gmailForward}`);
  const replies = async () => (await messages(tenant)).filter(({ subject }) => String(subject).includes('Köln'));
  const threaded = async () => (await replies()).filter(({ state }) => state === 'THREADED').length;
  await expect.poll(threaded, { timeout: untilMs }).toBe(mailClients.length);
  for (const reply of await replies()) {
    expect(reply).toMatchObject({ ticketId: watched['ticketId'], threadingRule: 'REFERENCES', class: 'HUMAN' });
    expect(reply['visibleText']).toContain('The old one.');
  }
  const ofGmail = async () =>
    (await messages(tenant)).filter(({ fromAddress, ticketId }) => fromAddress === gmailAddress && ticketId);
  await expect.poll(ofGmail, { timeout: untilMs }).toHaveLength(2);
  expect(new Set((await ofGmail()).map(({ ticketId }) => ticketId)).size).toBe(1);
  const compared = await tenant.ok('POST', `/v1/mailboxes/${String(id)}:reconcile`, { checkContent: true });
  expect(compared).toMatchObject({ equal: true, folders: [{ name: 'INBOX', onServer: 10, stored: 10 }] });
  const mailbox = await tenant.ok('GET', `/v1/mailboxes/${String(id)}`);
  expect(mailbox).toMatchObject({ state: 'ACTIVE', folders: [{ name: 'INBOX', uid: 10 }] });
  expect(mailbox['lagSeconds']).toBeTypeOf('number');
  imap.close();
});

test('a mailbox that the server refuses needs new credentials, and never shows the old ones', async () => {
  const tenant = await newTenant();
  const user = `refused-${tenant.tenant.tenantId}`;
  const imap = account(user, { credentials: { user, password: 'wrong' } });
  const created = await tenant.ok('POST', '/v1/mailboxes', { address: 'a@kestrel.invalid', kind: 'IMAP', imap });
  const path = `/v1/mailboxes/${String(created['id'])}`;
  const state = async () => (await tenant.ok('GET', path))['state'];
  await expect.poll(state, { timeout: untilMs }).toBe('REAUTH');
  const tried = await tenant.send('POST', `${path}:test`);
  await tenant.ok('PATCH', path, { imap: account(user) });
  await expect.poll(state, { timeout: untilMs }).toBe('ACTIVE');
  const tested = await tenant.ok('POST', `${path}:test`);

  expect(JSON.stringify(created)).not.toContain('wrong');
  expect(tried).toMatchObject({ status: 409, body: { code: 'PEER_UNAUTHORISED' } });
  expect(tested).toMatchObject({ folders: ['INBOX'] });
  expect(tested['capabilities']).toContain('QRESYNC');
});

test('a paused mailbox leaves mail on the server until it is resumed', async () => {
  const tenant = await newTenant();
  const user = `paused-${tenant.tenant.tenantId}`;
  const imap = await client(user);
  const body = { address: 'a@kestrel.invalid', kind: 'IMAP', imap: account(user) };
  const { id } = await tenant.ok('POST', '/v1/mailboxes', body);
  const path = `/v1/mailboxes/${String(id)}`;
  for (const verb of ['pause', 'resume'])
    expect(await tenant.send('POST', `${path}:${verb}`, undefined, { 'if-match': '"9"' })).toMatchObject({
      status: 412,
      body: { code: 'ETAG_MISMATCH' },
    });
  expect(await tenant.ok('POST', `${path}:pause`)).toMatchObject({ state: 'PAUSED' });
  await imap.append('INBOX', mail('Later', '', 'Hello'));
  const compared = await tenant.ok('POST', `${path}:reconcile`, {});
  await tenant.ok('POST', `${path}:resume`);
  await expect.poll(() => messages(tenant), { timeout: untilMs }).toHaveLength(1);

  expect(compared).toMatchObject({ equal: false, folders: [{ missing: [1] }] });
  imap.close();
});

test('secrets go to no other host than the one that they were set for', async () => {
  const tenant = await newTenant();
  const imap = account('moved');
  const { id } = await tenant.ok('POST', '/v1/mailboxes', { address: 'a@kestrel.invalid', kind: 'IMAP', imap });
  const path = `/v1/mailboxes/${String(id)}`;
  const { host, port, security } = imap;
  const kept = await tenant.ok('PATCH', path, { imap: { host, port, security, folders: ['INBOX', 'Archive'] } });
  const moved = await tenant.send('PATCH', path, { imap: { host: 'localhost', port, security } });
  const inner = await tenant.send('PATCH', path, { imap: account('moved', { host: '10.0.0.1' }) });

  expect(kept['imap']).toMatchObject({ credentials: { user: 'moved' }, folders: ['INBOX', 'Archive'] });
  expect([moved.status, inner.status]).toEqual([400, 400]);
});

test('a mailbox sends by a relay that exists, which stays while a mailbox uses it', async () => {
  const [tenant, other] = [await newTenant(), await newTenant()];
  const server = { name: 'Relay', host: 'relay.kestrel.example' };
  const [{ id: relayId }, foreign] = [
    await tenant.ok('POST', '/v1/relays', server),
    await other.ok('POST', '/v1/relays', server),
  ];
  const body = { address: 'a@kestrel.invalid', kind: 'SEND_ONLY' };
  const { id } = await tenant.ok('POST', '/v1/mailboxes', { ...body, relayId });
  const path = `/v1/mailboxes/${String(id)}`;
  const unknown = [
    await tenant.send('POST', '/v1/mailboxes', { ...body, address: 'b@kestrel.invalid', relayId: foreign['id'] }),
    await tenant.send('PATCH', path, { relayId: crypto.randomUUID() }),
  ];
  const kept = await tenant.send('DELETE', `/v1/relays/${String(relayId)}`);
  await tenant.ok('PATCH', path, { relayId: null });
  const removed = await tenant.send('DELETE', `/v1/relays/${String(relayId)}`);

  for (const answer of unknown) {
    expect(answer).toMatchObject({
      ...{ status: 400, body: { errors: [{ pointer: '/relayId', code: 'RELAY_NOT_FOUND' }] } },
    });
  }
  expect(kept).toMatchObject({ status: 409, body: { code: 'RELAY_IN_USE' } });
  expect(removed.status).toBe(204);
});

test('an address has one mailbox, one mailbox is the default, and one without IMAP is not read', async () => {
  const tenant = await newTenant();
  const body = { address: 'Sales@kestrel.invalid', kind: 'SEND_ONLY', isDefault: true };
  const first = await tenant.ok('POST', '/v1/mailboxes', body);
  const again = await tenant.send('POST', '/v1/mailboxes', { ...body, address: 'sales@kestrel.invalid' });
  const second = await tenant.ok('POST', '/v1/mailboxes', { ...body, address: 'b@kestrel.invalid' });
  const tested = await tenant.send('POST', `/v1/mailboxes/${String(second['id'])}:test`);
  const { mailboxes } = await tenant.ok<{ mailboxes: Json[] }>('GET', '/v1/mailboxes');
  const removed = await tenant.send('DELETE', `/v1/mailboxes/${String(first['id'])}`);

  expect(again).toMatchObject({ status: 409, body: { code: 'MAILBOX_ADDRESS_TAKEN' } });
  expect(tested).toMatchObject({ status: 409, body: { code: 'MAILBOX_KIND_UNSUPPORTED' } });
  expect(mailboxes.map(({ id, isDefault }) => [id, isDefault])).toEqual([
    [second['id'], true],
    [first['id'], false],
  ]);
  expect(removed.status).toBe(204);
});
