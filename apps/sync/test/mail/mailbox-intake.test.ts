import { createServer } from 'node:http';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { readForTenant } from '@rapport/persistence';
import { startDovecot, type Dovecot } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { folderPositions } from '../../src/mail/intake/folder-positions.js';
import { changeTurn } from '../../src/mail/mailboxes/mailbox-turn.js';
import { createSyncDatabase } from '../sync-databases.ts';
import { MailReading, TestMailbox } from './test-mailbox.ts';

let dovecot: Dovecot;
let reading: MailReading;
let stopTokens: () => void;
const validTokens = new Map<string, string>();
let tokenUrl: string;

beforeAll(async () => {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (piece: Buffer) => (body += piece.toString()));
    request.once('end', () => {
      const form = new URLSearchParams(body);
      response.setHeader('content-type', 'application/json');
      if (request.url === '/token') response.end(JSON.stringify(issue(form.get('refresh_token') ?? '')));
      else response.end(JSON.stringify(introspect(form.get('token') ?? '')));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stopTokens = () => void server.close();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  tokenUrl = `${url}/token`;
  dovecot = await startDovecot({ introspectionUrl: `${url}/introspect` });
  reading = new MailReading(await createSyncDatabase());
});
afterAll(async () => {
  await reading.close();
  await dovecot.stop();
  stopTokens();
});

/** The refresh token names the user, and each one is valid once. */
function issue(refreshToken: string) {
  const [user = '', number = '0'] = refreshToken.split('#');
  const token = `token-${user}-${number}`;
  validTokens.set(token, user);
  return { access_token: token, expires_in: 3_600, refresh_token: `${user}#${Number(number) + 1}` };
}

function introspect(token: string) {
  const username = validTokens.get(token);
  return username === undefined ? { active: false } : { active: true, username };
}

function mail(subject: string, more: readonly string[] = []): string {
  return ['From: Ada <ada@example.com>', `Subject: ${subject}`, ...more, '', `Hello ${subject}`, ''].join('\r\n');
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

test('stores each mail once, with its bytes, whatever other clients have done to it', async () => {
  const box = await TestMailbox.create(reading, dovecot);
  const other = await box.client();
  const id = 'Message-ID: <same@example.com>';
  const sent = [mail('one', [id]), mail('two', [id]), mail('two', [id])];
  for (const text of sent) await other.append('INBOX', text, ['\\Seen']);
  await box.read();
  await other.mailboxOpen('INBOX');
  await other.messageDelete('1', {});
  await other.append('INBOX', mail('three'));
  await box.read();
  await box.read();

  expect([...box.store.mails.values()].sort()).toEqual([...sent, mail('three')].map(digest).sort());
  const { equal, folders } = await box.reconcile();
  expect(equal).toBe(true);
  expect(folders).toMatchObject([{ name: 'INBOX', onServer: 3, stored: 4, missing: [], extra: [1], different: [] }]);
  other.close();
});

test('stores no mail again when the server renumbers a folder, and all that came with it', async () => {
  const box = await TestMailbox.create(reading, dovecot);
  const other = await box.client();
  for (const subject of ['one', 'two', 'two']) await other.append('INBOX', mail(subject));
  await box.read();
  await other.append('INBOX', mail('two'));
  other.close();
  await dovecot.renumber(box.user);
  const { equal: isEqualBefore } = await box.reconcile();
  box.store.cut = () => 'AFTER';
  await expect(box.read()).rejects.toThrow('cut');
  box.store.cut = () => undefined;
  await box.read();
  await box.read();

  expect(isEqualBefore).toBe(false);
  expect([...box.store.mails.values()].sort()).toEqual(['one', 'two', 'two', 'two'].map((s) => digest(mail(s))).sort());
  expect(await box.reconcile()).toMatchObject({ equal: true, folders: [{ onServer: 4, stored: 4, extra: [] }] });
});

test('reads mails again from a time, and stores none twice', async () => {
  const box = await TestMailbox.create(reading, dovecot);
  const other = await box.client();
  await other.append('INBOX', mail('one'));
  await box.read();
  const { tenantId, id } = box.mailbox;
  const [stored] = [...box.store.mails.keys()];
  box.store.mails.delete(stored ?? '');
  const sql = 'update mailbox_folder set resync_time = $2 where tenant_id = $1';
  await readForTenant(box.em, { sql, values: [tenantId, new Date(0)] });
  await box.read();

  expect([...box.store.mails.keys()]).toEqual([stored]);
  const [position] = (await folderPositions(box.em, tenantId, [id])).get(id) ?? [];
  expect(position).toMatchObject({ uid: 1, resyncTime: null });
  other.close();
});

test('takes no mail that arrives after another process has paused the mailbox', async () => {
  const box = await TestMailbox.create(reading, dovecot);
  const other = await box.client();
  const worker = await box.worker();
  await other.append('INBOX', mail('before'));
  await expect.poll(() => box.store.mails.size, { timeout: 30_000 }).toBe(1);
  await changeTurn(box.em, { ...box.mailbox, state: 'PAUSED' });
  await other.append('INBOX', mail('after'));
  const held = `select worker from mailbox_turn where mailbox_id = $1`;
  const holder = async () => readForTenant(box.em, { sql: held, values: [box.mailbox.id] });
  await expect.poll(holder, { timeout: 30_000 }).toEqual([{ worker: null }]);

  expect(await box.reconcile()).toMatchObject({ equal: false, folders: [{ stored: 1, missing: [2] }] });
  await worker.onModuleDestroy();
  other.close();
});

test('knows all stored mails of a folder, over the pages of customers', async () => {
  const { stored, store } = await TestMailbox.create(reading, dovecot);
  const folder = { tenantId: '', mailboxId: '', folder: 'INBOX', uidValidity: 1 };
  const uids = Array.from({ length: 401 }, (_, index) => index + 1);
  for (const uid of uids) store.mails.set(JSON.stringify(['INBOX', 1, uid]), digest(String(uid)));
  expect([...(await stored.list(folder)).keys()]).toEqual(uids);
});

test('stores a large mail by a stream', async () => {
  const box = await TestMailbox.create(reading, dovecot);
  const other = await box.client();
  const large = mail('large') + 'x'.repeat(76).concat('\r\n').repeat(20_000);
  await other.append('INBOX', large);
  await box.read();

  expect([...box.store.mails.values()]).toEqual([digest(large)]);
  other.close();
});

test('signs in by OAuth, and stores a replaced refresh token', async () => {
  const signIn = { user: 'oauth-user', oauth2: { tokenUrl, clientId: 'rapport' } };
  const box = await TestMailbox.create(reading, dovecot, { signIn, secrets: { refreshToken: 'oauth-user#1' } });
  await box.read();
  const { tenantId } = box.mailbox;
  const sql = 'select sealed_secrets from mailbox where tenant_id = $1';
  const [row] = await readForTenant<{ sealed_secrets: Buffer }>(box.em, { sql, values: [tenantId] });

  const owner = `mailbox/${tenantId}/${box.mailbox.id}`;
  const secrets = JSON.parse(reading.envelope.open(row?.sealed_secrets ?? Buffer.alloc(0), owner).toString()) as object;
  expect(secrets).toEqual({ refreshToken: 'oauth-user#2' });
});

test('names refused credentials, and hosts that must not be called', async () => {
  const refused = await TestMailbox.create(reading, dovecot, { secrets: { password: 'wrong' } });
  await expect(refused.read()).rejects.toMatchObject({ reason: 'UNAUTHORISED' });
  const inner = await TestMailbox.create(reading, dovecot);
  inner.mailbox.imap.host = '127.0.0.2';
  await expect(inner.read()).rejects.toMatchObject({ reason: 'UNAVAILABLE', message: /ADDRESS_NOT_ALLOWED/ });
});
