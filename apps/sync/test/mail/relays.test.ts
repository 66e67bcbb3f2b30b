import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { PlatformCertificates, ScriptedRelay, SecretFiles, sharedPlatform, type NameTexts } from '@rapport/testing';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { WebhookTenant } from '../sync-platform.ts';

type Json = Record<string, unknown>;

interface Relay extends Json {
  id: string;
  etag: string;
  state: string;
}

const platform = await sharedPlatform(inject('platformUrl'));
let tenant: WebhookTenant;
let server: ScriptedRelay | undefined;

beforeEach(async () => {
  tenant = await WebhookTenant.create(platform);
});

afterEach(async () => {
  await server?.stop();
  server = undefined;
});

function create(body: Json = {}): Promise<Relay> {
  return tenant.ok<Relay>('POST', '/v1/relays', { name: 'Office', host: 'smtp.example.com', ...body });
}

async function violations(method: string, path: string, body: Json): Promise<unknown> {
  const answer = await tenant.send(method, path, body);
  expect(answer.status).toBe(400);
  return (answer.body['errors'] as { pointer: string; code: string }[]).map(({ pointer, code }) => [pointer, code]);
}

/** A relay with the certificate of an authority that the platform trusts. */
async function startServer(users: Record<string, string>): Promise<ScriptedRelay> {
  const certificates = await PlatformCertificates.in(await SecretFiles.in(inject('receiverAuthority')));
  const { certificate, key } = await certificates.of('localhost');
  certificates.stop();
  const tls = { cert: await readFile(certificate, 'utf8'), key: await readFile(key, 'utf8') };
  server = await ScriptedRelay.start({ tls, users });
  return server;
}

test('a relay is created, read, listed, changed and deleted, without its secrets', async () => {
  const credentials = { user: 'office', password: 'correct horse' };
  const created = await create({ credentials });
  const path = `/v1/relays/${created.id}`;

  expect(created).toMatchObject({
    ...{ name: 'Office', host: 'smtp.example.com', port: 587, security: 'STARTTLS', state: 'ACTIVE' },
    ...{ credentials: { user: 'office' }, maxConnections: 2, maxPerConnection: 100 },
  });
  expect(await tenant.ok('GET', path)).toEqual(created);
  expect(await tenant.ok('GET', '/v1/relays')).toEqual({ relays: [created] });
  const changed = await tenant.ok('PATCH', path, { name: 'Main', maxPerMinute: 60 }, { 'if-match': created.etag });
  expect(changed).toMatchObject({ name: 'Main', maxPerMinute: 60, credentials: { user: 'office' } });
  expect(await tenant.send('PATCH', path, { name: 'Late' }, { 'if-match': created.etag })).toMatchObject({
    status: 412,
  });
  const stored = await tenant.query('select * from relay where tenant_id = $1', [tenant.tenant.tenantId]);
  expect(JSON.stringify([created, changed, stored])).not.toContain('correct horse');
  expect((await tenant.send('DELETE', path)).status).toBe(204);
  expect(await tenant.send('GET', path)).toMatchObject({ status: 404, body: { code: 'RELAY_NOT_FOUND' } });
  const entries = await tenant.query<{ kind: string }>(
    'select kind from audit_entry where tenant_id = $1 order by number',
    [tenant.tenant.tenantId],
  );
  expect(entries.map(({ kind }) => kind)).toEqual(['RELAY_CREATED', 'RELAY_CHANGED', 'RELAY_DELETED']);
});

test('secrets are sent to no other server, and nothing is sent without encryption where the operator forbids it', async () => {
  const { id } = await create({ credentials: { user: 'office', password: 'correct horse' } });
  const path = `/v1/relays/${id}`;

  expect(await violations('PATCH', path, { host: 'smtp.example.net' })).toEqual([['/credentials', 'REQUIRED']]);
  expect(await violations('PATCH', path, { security: 'TLS' })).toEqual([['/credentials', 'REQUIRED']]);
  expect(await violations('PATCH', path, { credentials: { user: 'office' } })).toEqual([
    ['/credentials/password', 'REQUIRED'],
  ]);
  const relay = { name: 'Office', host: 'smtp.example.com' };
  expect(await violations('POST', '/v1/relays', { ...relay, security: 'NONE' })).toEqual([
    ['/security', 'NOT_ALLOWED'],
  ]);
  const oauth2 = { tokenUrl: 'http://127.0.0.2/token', clientId: 'rapport', refreshToken: 'first' };
  expect(await violations('POST', '/v1/relays', { ...relay, credentials: { user: 'office', oauth2 } })).toEqual([
    ['/credentials/oauth2/tokenUrl', 'NOT_ALLOWED'],
  ]);
  const moved = { host: 'smtp.example.net', credentials: { user: 'new', password: 'battery staple' } };
  expect(await tenant.ok('PATCH', path, moved)).toMatchObject({
    host: 'smtp.example.net',
    credentials: { user: 'new' },
  });
});

test(':test connects with STARTTLS and signs in, and says why it could not', async () => {
  const { port } = await startServer({ office: 'correct horse' });
  const at = { host: 'localhost', port };
  const { id } = await create({ ...at, credentials: { user: 'office', password: 'wrong' } });
  const path = `/v1/relays/${id}`;

  const check = (other = path) => tenant.ok('POST', `${other}:test`);
  expect(await check()).toMatchObject({
    reason: 'UNAUTHORISED',
    description: expect.stringContaining('535') as string,
  });
  await tenant.ok('PATCH', path, { credentials: { user: 'office', password: 'correct horse' } });
  expect(await check()).toMatchObject({ succeeded: true });
  // A name whose certificate is that of another host, a private address, and a port that nothing listens on.
  const other = await create({ ...at, host: '127.0.0.1' });
  expect(await check(`/v1/relays/${other.id}`)).toMatchObject({ reason: 'TLS_FAILED' });
  const inner = await create({ host: '10.0.0.1' });
  expect(await check(`/v1/relays/${inner.id}`)).toMatchObject({ reason: 'ADDRESS_NOT_ALLOWED' });
  await server?.stop();
  expect(await check()).toMatchObject({ reason: 'UNREACHABLE' });
});

test('a DKIM key is made, published and then activated, and signs until the next one is', async () => {
  const created = await create({ dkim: { domain: 'Example.com' } });
  const path = `/v1/relays/${created.id}`;
  const dkim = async () => (await tenant.ok<Relay & { dkim: Json }>('GET', path)).dkim;

  const first = (await dkim())['nextRecord'] as { name: string; value: string };
  expect(first.name).toMatch(/^rapport-[0-9a-f]{10}\._domainkey\.example\.com$/);
  const publicKey = Buffer.from(/^v=DKIM1; k=rsa; p=(.+)$/.exec(first.value)?.[1] ?? '', 'base64');
  expect(createPublicKey({ key: publicKey, format: 'der', type: 'spki' }).asymmetricKeyDetails?.modulusLength).toBe(
    2_048,
  );
  expect(await dkim()).not.toHaveProperty('selector');
  expect(await tenant.ok('POST', `${path}:rotateDkim`, { activate: true })).toEqual({ record: first });
  expect(await dkim()).toMatchObject({ record: first, selector: first.name.split('.')[0] });

  const stale = { 'if-match': created.etag };
  expect(await tenant.send('POST', `${path}:rotateDkim`, {}, stale)).toMatchObject({
    ...{ status: 412, body: { code: 'ETAG_MISMATCH' } },
  });
  expect(await dkim()).not.toHaveProperty('nextRecord');
  const current = { 'if-match': (await tenant.ok<Relay>('GET', path)).etag };
  const { record: next } = await tenant.ok<{ record: Json }>('POST', `${path}:rotateDkim`, {}, current);
  expect(await dkim()).toMatchObject({ record: first, nextRecord: next });
  await tenant.ok('POST', `${path}:rotateDkim`, { activate: true });
  expect(await dkim()).toMatchObject({ record: next });
  const none = await tenant.send('POST', `${path}:rotateDkim`, { activate: true });
  expect(none).toMatchObject({ status: 409, body: { code: 'DKIM_KEY_MISSING' } });
});

test('a key of the workspace signs at once; what is no RSA key of 2048 bits is refused', async () => {
  const pem = (modulusLength: number) =>
    generateKeyPairSync('rsa', { modulusLength }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const dkim = { domain: 'example.com', selector: 'own' };

  const created = await create({ dkim: { ...dkim, privateKey: pem(2_048) } });
  expect(created).toMatchObject({
    dkim: { selector: 'own', record: { name: 'own._domainkey.example.com', type: 'TXT' } },
  });
  expect(JSON.stringify(created)).not.toContain('PRIVATE');
  const relay = { name: 'Office', host: 'smtp.example.com' };
  for (const privateKey of [pem(1_024), 'no key']) {
    expect(await violations('POST', '/v1/relays', { ...relay, dkim: { ...dkim, privateKey } })).toEqual([
      ['/dkim/privateKey', 'INVALID'],
    ]);
  }
  const { id } = await create();
  const missing = await tenant.send('POST', `/v1/relays/${id}:rotateDkim`, {});
  expect(missing).toMatchObject({ status: 409, body: { code: 'DKIM_NOT_CONFIGURED' } });
});

test(':checkDns says of the SPF, DKIM and DMARC record of each sending domain whether it is right, and what is wrong', async () => {
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const dkim = { domain: 'dns.example', selector: 'own', privateKey: pem };
  const created = await create({ host: '127.0.0.1', dkim });
  const { value: key } = (created as unknown as { dkim: { record: { value: string } } }).dkim.record;
  const publish = (texts: NameTexts) => writeFile(inject('dnsTextsFile'), JSON.stringify(texts));
  const check = async () => {
    const { domains } = await tenant.ok<{ domains: Json[] }>('POST', `/v1/relays/${created.id}:checkDns`);
    return domains.map(({ domain, ...checks }) => {
      const said = Object.entries(checks as Record<string, { state: string; reason?: string }>);
      return [domain, ...said.map(([kind, { state, reason = '' }]) => `${kind} ${state} ${reason}`.trim())];
    });
  };
  expect(await check()).toEqual([
    ['dns.example', 'spf MISSING NO_RECORD', 'dkim MISSING NO_RECORD', 'dmarc MISSING NO_RECORD'],
  ]);
  await publish({ 'dns.example': null, 'own._domainkey.dns.example': null, '_dmarc.dns.example': null });
  expect(await check()).toEqual([
    ['dns.example', 'spf UNANSWERED NO_ANSWER', 'dkim UNANSWERED NO_ANSWER', 'dmarc UNANSWERED NO_ANSWER'],
  ]);

  const mailbox = { displayName: 'News', kind: 'SEND_ONLY', relayId: created.id };
  await tenant.ok('POST', '/v1/mailboxes', { ...mailbox, address: 'a@news.dns.example' });
  await tenant.ok('POST', '/v1/mailboxes', { ...mailbox, address: 'a@other.example', replyDomain: 'reply.example' });
  await tenant.ok('POST', `/v1/relays/${created.id}:rotateDkim`, {});
  const next = 'nextDkim MISSING NO_RECORD';
  const right = {
    'news.dns.example': ['v=spf1 ip4:127.0.0.1 -all', 'verification=1'],
    'own._domainkey.dns.example': [key.replace('p=', 'p=\t')],
    '_dmarc.dns.example': ['v=DMARC1; p=none; rua=mailto:dmarc@dns.example'],
  };
  await publish({
    ...right,
    'reply.example': ['v=spf1 include:dns.example -all'],
    '_dmarc.other.example': ['v=DMARC1; p=reject', 'v=DMARC1; p=none'],
  });
  expect(await check()).toEqual([
    ['news.dns.example', 'spf PASSED', 'dkim PASSED', next, 'dmarc PASSED'],
    ['other.example', 'spf WRONG INVALID', 'dkim PASSED', next, 'dmarc WRONG SEVERAL_RECORDS'],
  ]);
  await publish({
    ...right,
    'news.dns.example': ['v=spf1 ip4:192.0.2.1 -all'],
    'reply.example': ['v=spf1 +all'],
    '_dmarc.other.example': ['v=DMARC1; p=reject'],
  });
  expect(await check()).toEqual([
    ['news.dns.example', 'spf UNSURE HOST_NOT_NAMED', 'dkim PASSED', next, 'dmarc PASSED'],
    ['other.example', 'spf WRONG PERMITS_ALL', 'dkim WRONG NOT_ALIGNED', next, 'dmarc PASSED'],
  ]);
  await publish({
    'news.dns.example': ['v=spf1 -all', 'v=spf1 ~all'],
    'own._domainkey.dns.example': ['v=DKIM1; p='],
    '_dmarc.dns.example': ['v=DMARC1; p=some'],
  });
  expect((await check())[0]).toEqual([
    ...['news.dns.example', 'spf WRONG SEVERAL_RECORDS', 'dkim WRONG REVOKED', next, 'dmarc MISSING NO_RECORD'],
  ]);
  await publish({
    'own._domainkey.dns.example': [`v=DKIM1; k=ed25519; p=${Buffer.alloc(32).toString('base64')}`],
    '_dmarc.news.dns.example': ['v=DMARC1; p=some'],
  });
  expect((await check())[0]).toEqual([
    ...['news.dns.example', 'spf MISSING NO_RECORD', 'dkim WRONG OTHER_KEY', next, 'dmarc WRONG INVALID'],
  ]);
});

test('a ramp-up shows the limit of its day, keeps its start, and is refused without growth', async () => {
  const startTime = new Date(Date.now() - 49 * 3_600_000).toISOString();
  const rampUp = { firstPerDay: 50, growthPercent: 50, untilPerDay: 400 };
  const { id } = await create({ rampUp: { ...rampUp, startTime } });
  const path = `/v1/relays/${id}`;

  expect(await tenant.ok('GET', path)).toMatchObject({
    rampUp: { ...rampUp, startTime, limitToday: 112, sentToday: 0 },
  });
  const faster = { ...rampUp, growthPercent: 100 };
  expect(await tenant.ok('PATCH', path, { rampUp: faster })).toMatchObject({ rampUp: { startTime, limitToday: 200 } });
  const ended = await tenant.ok<{ rampUp: Json }>('PATCH', path, { rampUp: { ...faster, untilPerDay: 200 } });
  expect(ended.rampUp).not.toHaveProperty('limitToday');
  expect(await violations('PATCH', path, { rampUp: { ...rampUp, untilPerDay: 50 } })).toEqual([
    ['/rampUp/untilPerDay', 'OUT_OF_RANGE'],
  ]);
  expect(await violations('PATCH', path, { rampUp: { ...rampUp, firstPerDay: 0 } })).toEqual([
    ['/rampUp/firstPerDay', 'TOO_SMALL'],
  ]);
  expect(await tenant.ok('PATCH', path, { rampUp: null })).not.toHaveProperty('rampUp');
});
