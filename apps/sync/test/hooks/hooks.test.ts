import { sharedPlatform } from '@rapport/testing';
import { beforeEach, expect, inject, test } from 'vitest';
import { untilBlocks } from '../exchange/exchange-tenant.ts';
import { HookedTable, type HookAnswer, type Message } from './hooked-table.ts';

const platform = await sharedPlatform(inject('platformUrl'));
let table: HookedTable;

beforeEach(async () => {
  table = await HookedTable.create(platform);
});

const customerOf = async (name: string) =>
  [...(await table.tenant.customers()).values()].find(({ displayName }) => displayName === name);

test('a webhook makes its records be read again, deleted ones too, and once however often it is sent', async () => {
  await table.map();
  const [ada, bob] = [await table.insert('Ada', 'Analyst'), await table.insert('Bob', 'Builder')];
  const both = table.about(ada, bob, ada);
  const answers = await Promise.all(Array.from({ length: 8 }, () => table.post(both, table.signed(both))));
  expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(202));
  expect(await table.untilHandled()).toMatchObject([{ messageId: both.id, recordCount: 2, state: 'HANDLED' }]);
  expect(await customerOf('Ada')).toMatchObject({ jobTitle: 'Analyst', etag: '"1"' });

  await table.retitle(ada, 'Countess');
  await table.database.run(`UPDATE people SET deleted_at = now() WHERE id = ${bob}`);
  // Of an id that was there nothing is done.
  expect((await table.post(both, table.signed(both))).status).toBe(202);
  const later = table.about(ada, bob);
  expect((await table.post(later, table.signed(later))).status).toBe(202);

  expect(await table.untilHandled()).toHaveLength(2);
  expect(await customerOf('Ada')).toMatchObject({ jobTitle: 'Countess', etag: '"2"' });
  // Deletes are done last.
  await expect.poll(() => customerOf('Bob')).toBeUndefined();
});

test('a run does not start before hints that are being written are committed', async () => {
  await table.map();
  const ada = await table.insert('Ada', 'Analyst');
  const { tenantId } = table.tenant.api.tenant;
  const noting = await table.tenant.api.connect();
  // As it is when a webhook is stored, and a run waits already.
  await noting.query('begin');
  await noting.query(`insert into sync_hint (tenant_id, mapping_id, side, record_id) values ($1, $2, 'PEER', $3)`, [
    ...[tenantId, table.mapping, ada],
  ]);
  await noting.query('select pg_advisory_xact_lock_shared(hashtextextended($1, 0))', [`run ${table.mapping}`]);
  const running = table.tenant.run(table.mapping);
  await Promise.race([running, untilBlocks(noting)]);
  await noting.query('commit');
  await noting.end();

  await running;

  expect(await customerOf('Ada')).toMatchObject({ jobTitle: 'Analyst' });
});

test('a webhook without a valid signature gets one common error, and is not stored', async () => {
  const withoutSecret = await table.connect({});
  const cards = { url: 'https://cards.example/ada/', username: 'ada' };
  const withoutWebhooks = await table.tenant.connect('carddav', cards, { password: 'x' });
  const message = table.about('1');
  const { 'webhook-signature': _, ...unsigned } = table.signed(message);
  const sent = (headers: Record<string, string>, connection?: string) => table.post(message, headers, connection);
  const right = table.signed(message);
  const minutes = (count: number) => ({ at: new Date(Date.now() + count * 60_000) });

  const refusals: HookAnswer[] = [
    await sent(right, crypto.randomUUID()),
    await sent(right, withoutSecret),
    await sent(right, withoutWebhooks),
    await sent(unsigned),
    await sent({ ...unsigned, 'webhook-signature': '' }),
    await sent({ ...right, 'webhook-id': 'msg_other' }),
    await sent({ ...right, 'webhook-signature': `v1,${'A'.repeat(43)}=` }),
    await sent(table.signed(message, { secret: `whsec_${Buffer.alloc(24, 'wrong').toString('base64')}` })),
    await sent(table.signed(message, minutes(-6))),
    await sent(table.signed(message, minutes(6))),
    await table.post({ ...message, body: `${message.body} ` }, right),
    // A key of the tenant proves nothing about the sender.
    await sent({ ...unsigned, authorization: `Bearer ${table.tenant.api.apiKey}` }),
  ];

  const seen = refusals.map(({ status, body }) => ({ status, ...body, requestId: '' }));
  expect(seen[0]).toMatchObject({ status: 401, code: 'HOOK_NOT_PROVEN' });
  expect(seen).toEqual(refusals.map(() => seen[0]));
  const { tenantId } = table.tenant.api.tenant;
  expect(await table.tenant.api.query('select from hook where tenant_id = $1', [tenantId])).toEqual([]);
});

test.each([
  ['ends too early', '{"table": "people"'],
  ['is empty', ''],
  ['is no object', 'null'],
  ['has an id that is none', '{"table": "people", "ids": [{}]}'],
  ['has a NUL in an id', '{"table": "people", "ids": ["\\u0000"]}'],
  ['has half a character in an id', '{"table": "people", "ids": ["\\ud800"]}'],
  ['has an id of 501 characters', `{"table": "people", "ids": ["${'9'.repeat(501)}"]}`],
])('a body that %s is refused, and not kept', async (_case, body) => {
  const message = { id: 'msg_1', body };

  const answer = await table.post(message, table.signed(message));

  expect(answer).toMatchObject({
    status: 400,
    body: { errors: [{ in: 'body', pointer: '', code: 'HOOK_MALFORMED' }] },
  });
  expect(await table.hooks()).toEqual([]);
});

test('a body of more than 256 KiB is refused, and not kept', async () => {
  const message = { id: 'msg_1', body: ' '.repeat(256 * 1024 + 1) };

  const answer = await table.post(message, table.signed(message));

  expect(answer).toMatchObject({ status: 413, body: { code: 'BODY_TOO_LARGE' } });
  expect(await table.hooks()).toEqual([]);
});

test('a webhook with an id that is no id, and one for a disabled connection, are refused for what they are', async () => {
  const unnamed = { ...table.about('1'), id: 'x'.repeat(501) };
  expect(await table.post(unnamed, table.signed(unnamed))).toMatchObject({ status: 400 });
  expect(await table.post(unnamed, table.signed(unnamed), 'people')).toMatchObject({
    status: 400,
    body: { errors: [{ in: 'path', pointer: '/connection' }] },
  });
  const message = table.about('1');
  await table.tenant.api.ok('PATCH', `/v1/connections/${table.connection}`, { state: 'DISABLED' });
  const answer = await table.post(message, table.signed(message));
  expect(answer).toMatchObject({ status: 409, body: { code: 'CONNECTION_DISABLED' } });
  expect(await table.hooks()).toEqual([]);

  await table.tenant.api.ok('PATCH', `/v1/connections/${table.connection}`, { state: 'ENABLED' });
  expect((await table.post(message, table.signed(message))).status).toBe(202);
});

test('records that no mapping exchanges are stored, and reported as ignored', async () => {
  const message: Message = { id: 'msg_1', body: '{"table": "pets", "ids": [1]}' };

  expect((await table.post(message, table.signed(message))).status).toBe(202);

  expect(await table.hooks()).toMatchObject([{ messageId: 'msg_1', state: 'IGNORED', recordCount: 1 }]);
});

test('a body is stored byte for byte and sealed, and only returned to callers with access to all customers', async () => {
  const message = { id: 'msg_1', body: '{ "ids" :[\t"7" ], "table":"\\u0070eople", "note": "Zoë Kweepstone" }\r\n' };
  await table.post(message, table.signed(message));
  const [hook] = await table.hooks();
  const path = `/v1/connections/${table.connection}/hooks/${hook?.id}:download`;
  const download = (apiKey: string) =>
    fetch(platform.edgeUrl + path, { headers: { authorization: `Bearer ${apiKey}` } });

  const answer = await download(table.tenant.api.apiKey);

  expect(answer.headers.get('content-type')).toBe('application/octet-stream');
  expect(Buffer.from(await answer.arrayBuffer())).toEqual(Buffer.from(message.body));
  expect(hook?.bodyBytes).toBe(Buffer.byteLength(message.body));
  const [row] = await table.tenant.api.query<{ text: string }>('select hook::text as text from hook where id = $1', [
    hook?.id,
  ]);
  for (const text of ['Kweepstone', Buffer.from('Kweepstone').toString('hex')]) expect(row?.text).not.toContain(text);
  const reader = await table.tenant.api.withKey({ permissions: ['connections.read'] });
  expect((await download(reader.apiKey)).status).toBe(403);
  const { apiKey } = await platform.createTenant('Others');
  expect((await download(apiKey)).status).toBe(404);
});

test('webhooks about a person are erased with the person', async () => {
  await table.map();
  const [ada, bob] = [await table.insert('Ada', 'Analyst'), await table.insert('Bob', 'Builder')];
  for (const message of [table.about(ada), table.about(bob)]) await table.post(message, table.signed(message));
  const [ofBob, ofAda] = await table.untilHandled();
  const status = async (id = '') =>
    (await table.tenant.api.send('GET', `/v1/connections/${table.connection}/hooks/${id}:download`)).status;
  expect([await status(ofAda?.id), await status(ofBob?.id)]).toEqual([200, 200]);

  const id = String((await customerOf('Ada'))?.id);
  await table.tenant.api.ok('POST', `/v1/customers/${id}:erase`, { reason: 'She has asked for it.' });

  await expect.poll(() => status(ofAda?.id)).toBe(404);
  expect(await status(ofBob?.id)).toBe(200);
  expect(await table.hooks()).toHaveLength(2);
});
