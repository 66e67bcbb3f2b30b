import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, sharedPlatform } from '@rapport/testing';
import { beforeEach, expect, inject, test } from 'vitest';
import { ExchangeTenant } from './exchange-tenant.ts';
import { PeopleTable } from './people-table.ts';

const settings = { url: 'https://cards.example/ada/', username: 'ada' };
const body = { connector: 'carddav', displayName: 'Cards', settings, secrets: { password: 'correct horse' } };
const name = { customerField: 'displayName', peerField: 'displayName' };

const platform = await sharedPlatform(inject('platformUrl'));
let tenant: ExchangeTenant;

beforeEach(async () => {
  tenant = await ExchangeTenant.create(platform);
});

const post = (path: string, content: object) => tenant.api.send('POST', path, { ...content });

/** A connection to a file of one card. */
async function fileConnection(): Promise<string> {
  const folder = join(platform.filesDir, tenant.api.tenant.tenantId);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'people.vcf'), 'BEGIN:VCARD\r\nVERSION:4.0\r\nUID:1\r\nFN:Ada\r\nEND:VCARD\r\n');
  return tenant.connect('file', { file: 'people.vcf', format: 'VCARD' });
}

test('a connection is created, read, listed, changed and deleted, and never shows a secret', async () => {
  const created = await tenant.api.ok<{ id: string; etag: string }>('POST', '/v1/connections', body);
  const path = `/v1/connections/${created.id}`;

  expect(created).toMatchObject({ settings, secretNames: ['password'], state: 'ENABLED', pollSeconds: 300 });
  expect(await tenant.api.ok('GET', path)).toEqual(created);
  expect(await tenant.api.ok('GET', '/v1/connections')).toEqual({ connections: [created] });
  const changes = { secrets: { password: 'battery staple' } };
  const changed = await tenant.api.ok('PATCH', path, changes, { 'if-match': created.etag });
  expect(JSON.stringify([created, changed])).not.toMatch(/horse|staple/);
  const stale = await tenant.api.send('PATCH', path, { displayName: 'Mine' }, { 'if-match': created.etag });
  expect(stale).toMatchObject({ status: 412, body: { code: 'ETAG_MISMATCH' } });
  expect((await tenant.api.send('DELETE', path)).status).toBe(204);
  expect(await tenant.api.send('GET', path)).toMatchObject({ status: 404, body: { code: 'CONNECTION_NOT_FOUND' } });

  const kinds = await tenant.api.query<{ kind: string }>(
    'select kind from audit_entry where $1 = any (records) order by number',
    [`connection/${created.id}`],
  );
  expect(kinds.map(({ kind }) => kind)).toEqual(['CONNECTION_CREATED', 'CONNECTION_CHANGED', 'CONNECTION_DELETED']);
});

test.each([
  [{ connector: 'ldap' }, '/connector', 'CONNECTOR_UNKNOWN'],
  [{ settings: { username: 'ada' } }, '/settings/url', 'REQUIRED'],
  [{ settings: { ...settings, url: 'ftp://x' } }, '/settings/url', 'INVALID'],
  [{ settings: { ...settings, colour: 'red' } }, '/settings/colour', 'UNKNOWN_FIELD'],
  [{ settings: { ...settings, password: 'x' } }, '/settings/password', 'WRONG_PLACE'],
  [{ secrets: {} }, '/secrets/password', 'REQUIRED'],
])('refuses %j and says which field is wrong', async (wrong, pointer, code) => {
  const answer = await post('/v1/connections', { ...body, ...wrong });

  expect(answer).toMatchObject({ status: 400, body: { errors: [{ in: 'body', pointer, code }] } });
});

test('a connection with a new destination requires its secrets again', async () => {
  const { id } = await tenant.api.ok<{ id: string }>('POST', '/v1/connections', body);
  const path = `/v1/connections/${id}`;
  const elsewhere = { ...settings, url: 'https://cards.example.net/ada/' };

  const refused = await tenant.api.send('PATCH', path, { settings: elsewhere });
  expect(refused).toMatchObject({
    status: 400,
    body: { errors: [{ in: 'body', pointer: '/secrets/password', code: 'REQUIRED' }] },
  });
  expect(await tenant.api.ok('GET', path)).toMatchObject({ settings });
  const sameServer = { ...settings, addressBook: 'friends' };
  expect(await tenant.api.ok('PATCH', path, { settings: sameServer })).toMatchObject({ settings: sameServer });
  const changes = { settings: elsewhere, secrets: { password: 'battery staple' } };
  expect(await tenant.api.ok('PATCH', path, changes)).toMatchObject({ settings: elsewhere });
});

test('a check names the wrong setting, and reaches no private address', async () => {
  const port = await freePort();
  for (const url of [`http://127.0.0.1:${port}/`, 'https://10.0.0.1/', 'http://[::1]/', 'https://0xa.1/']) {
    const id = await tenant.connect('carddav', { ...settings, url }, body.secrets);
    const answer = await post(`/v1/connections/${id}:check`, {});
    expect(answer).toMatchObject({ status: 503, body: { code: 'PEER_UNAVAILABLE' } });
  }
  const sql = {
    engine: 'MARIADB',
    port: 3_306,
    database: 'x',
    user: 'x',
    table: 'x',
    idColumn: 'x',
    updatedColumn: 'x',
  };
  const id = await tenant.connect('sql', { ...sql, host: '192.168.0.1' }, { password: 'x' });
  expect(await post(`/v1/connections/${id}:check`, {})).toMatchObject({
    status: 503,
    body: { code: 'PEER_UNAVAILABLE' },
  });
});

test('a caller without read and write access to all customers cannot create a connection', async () => {
  for (const more of [{ permissions: [] }, { permissions: ['customers.read', 'customers.write'], hidesPii: true }]) {
    const permissions = ['connections.write', ...more.permissions];
    const key = await tenant.api.withKey({ ...more, permissions });
    expect(await key.send('POST', '/v1/connections', body)).toMatchObject({ status: 403 });
  }
});

test.each([
  [{ fields: [{ ...name, customerField: 'shoeSize' }] }, '/fields/0/customerField', 'UNKNOWN_FIELD'],
  [{ fields: [{ ...name, customerField: 'etag' }] }, '/fields/0/customerField', 'NOT_WRITABLE'],
  [{ fields: [{ ...name, peerField: 'shoeSize' }] }, '/fields/0/peerField', 'UNKNOWN_FIELD'],
  [{ fields: [name, { ...name, peerField: 'note' }] }, '/fields/1/customerField', 'DUPLICATE'],
  [{ fields: [{ ...name, transform: 'CONTACT_LIST' }] }, '/fields/0/transform', 'TRANSFORM_UNFIT'],
  [{ fields: [{ ...name, toPeer: '$' }] }, '/fields/0/toCustomer', 'REQUIRED'],
  [{ recordType: 'deal' }, '/recordType', 'RECORD_TYPE_UNKNOWN'],
  [{ policy: 'NEWEST' }, '/timeField', 'REQUIRED'],
  [{ direction: 'BOTH' }, '/direction', 'NOT_WRITABLE'],
])('a mapping with %j is refused by the field', async (wrong, pointer, code) => {
  const mapping = {
    connectionId: await fileConnection(),
    recordType: 'record',
    customerKind: 'PERSON',
    fields: [name],
  };

  const answer = await post('/v1/mappings', { ...mapping, direction: 'TO_CUSTOMERS', ...wrong });

  expect(answer).toMatchObject({ status: 400 });
  expect((answer.body as { errors: object[] }).errors).toContainEqual(expect.objectContaining({ pointer, code }));
});

test('a run is watched until it ends', async () => {
  const mappingId = await tenant.map(await fileConnection(), {
    ...{ recordType: 'record', direction: 'TO_CUSTOMERS' },
    fields: [name, { customerField: 'jobTitle', peerField: 'jobTitle', toCustomer: '$uppercase($)' }],
  });
  const { id } = await tenant.api.ok<{ id: string }>('POST', '/v1/syncRuns', { mappingId });

  const answer = await fetch(`${platform.edgeUrl}/v1/syncRuns/${id}:watch`, {
    headers: { authorization: `Bearer ${tenant.api.apiKey}`, accept: 'text/event-stream' },
  });
  const events = (await answer.text()).split('\n').filter((line) => line.startsWith('data:'));

  expect(JSON.parse(events.at(-1)?.slice(5) ?? '')).toMatchObject({ id, state: 'SUCCEEDED' });
  await expect.poll(async () => (await tenant.customers()).size).toBe(1);
});

test('a run writes its records in few sessions of a database, and ends them', async () => {
  const people = await PeopleTable.create(tenant);
  await people.database.run('ALTER TABLE people ADD writer int DEFAULT pg_backend_pid()');
  const items = Array.from({ length: 40 }, (_, index) => ({
    customer: { kind: 'PERSON', displayName: `Person ${index}` },
  }));
  await tenant.api.ok('POST', '/v1/customers:batchCreate', { items });

  await tenant.untilEqual(await people.map(), items.length);

  const [[writers] = []] = await people.database.run('SELECT count(DISTINCT writer) FROM people');
  expect(Number(writers)).toBeLessThan(items.length / 2);
  const open = 'SELECT pid FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()';
  await expect.poll(() => people.database.run(open)).toEqual([]);
});
