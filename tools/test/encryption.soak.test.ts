import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { printTally, queryDatabase, sizeOf, soakTimeoutMs, type Platform } from '@rapport/testing';
import { createClient } from '@redis/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ApiClient } from './api-client.ts';
import { durablePlatform } from './durable-platform.ts';
import { newTrace, type ReceivedTraces } from './received-traces.ts';

let platform: Platform;
let traces: ReceivedTraces;
let api: ApiClient;

/** The bodies sent to a tenant's webhook endpoint: a retry has the same bytes. */
const sent = new Set<string>();
const receiver = createServer((request, response) => {
  void text(request).then((body) => {
    sent.add(body.toLowerCase());
    response.writeHead(204).end();
  });
});

beforeAll(async () => {
  ({ platform, traces } = await durablePlatform());
  const { apiKey } = await platform.createTenant('Sealed');
  api = await ApiClient.connect(platform.edgeUrl, apiKey);
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  const endpoint = { url, eventTypes: ['customer.created'], payload: 'FULL' };
  expect((await api.send('POST', '/v1/webhookEndpoints', { body: endpoint })).status).toBe(201);
}, 300_000);

afterAll(() => receiver.close());

interface Person {
  kind: string;
  displayName: string;
  givenName: string;
  familyName: string;
  birthDate: string;
  emails: { address: string }[];
  phones: { number: string }[];
  addresses: { street: string }[];
}

/** Number of people, half of them from before the encryption. Each has seven values, six of which occur in no other text. */
const count = sizeOf('ENCRYPTED_PEOPLE', { short: 12, long: 1_000 });
const people = Array.from({ length: count }, (_, n) => newPerson(n));

/** People of a file that is imported after the encryption. */
const imported = Array.from({ length: count / 2 }, (_, n) => newPerson(count + n));

function newPerson(n: number): Person {
  const code = `${(n + 10_000).toString(36)}q`;
  return {
    kind: 'PERSON',
    displayName: `zargothrax ${code}`,
    givenName: `vlorgmund${code}`,
    familyName: `kweepstone${code}`,
    birthDate: '1815-12-10',
    emails: [{ address: `zargmail${code}@example.com` }],
    phones: [{ number: `+49308${String(3_000_000 + n * 7_919)}` }],
    addresses: [{ street: `wimbleway ${code}` }],
  };
}

function valuesOf({ displayName, givenName, familyName, emails, phones, addresses }: Person): string[] {
  const [email, phone, address] = [emails[0]?.address ?? '', phones[0]?.number ?? '', addresses[0]?.street ?? ''];
  return [displayName, givenName, familyName, email, phone.slice(1), address];
}

const values = [...people, ...imported].flatMap(valuesOf);

/** The few different starts of the values. */
const starts = [...new Set(values.map((value) => value.slice(0, 6)))];

it(
  'has no personal value in any database, Redis, log, trace or error answer, and finds each by search',
  { timeout: soakTimeoutMs },
  async () => {
    const [before, after] = [people.slice(0, count / 2), people.slice(count / 2)];
    const ids: string[] = [];
    const [lastWrite, lastRead] = [newTrace(), newTrace()];
    const write = async (person: Person, n: number) => {
      const traced = n === people.length - 1 && lastWrite.headers;
      const headers = { 'idempotency-key': `person-${n}`, ...traced };
      const created = await api.send('POST', '/v1/customers', { body: person, headers });
      expect(created.status).toBe(201);
      ids.push((created.body as { id: string }).id);
    };
    for (const [n, person] of before.entries()) await write(person, n);
    expect(found(await everythingStored()).length).toBeGreaterThanOrEqual(5 * before.length);
    await allSent(before.length);

    const { id } = (await api.send('POST', '/v1/personalData:encrypt')).body as { id: string };
    await expect
      .poll(async () => (await api.send('GET', `/v1/operations/${id}`)).body, { timeout: soakTimeoutMs })
      .toMatchObject({ kind: 'ENCRYPTION', state: 'SUCCEEDED', counts: { rows: before.length } });
    for (const [n, person] of after.entries()) await write(person, before.length + n);
    await importPeople(true);
    await importPeople(false);
    for (const person of imported) {
      const filter = encodeURIComponent(`emails = "${person.emails[0]?.address}"`);
      expect((await api.send('GET', `/v1/customers?filter=${filter}`)).body).toMatchObject({ customers: [person] });
    }

    const refusals: string[] = [];
    for (const [n, person] of people.entries()) {
      const path = `/v1/customers/${ids[n]}`;
      expect((await api.send('GET', path)).body).toMatchObject(person);
      const filter = encodeURIComponent(
        `emails = "${person.emails[0]?.address}" display_name = "${person.displayName}"`,
      );
      expect((await api.send('GET', `/v1/customers?filter=${filter}`)).body).toMatchObject({
        customers: [{ id: ids[n] }],
      });
      // Conflicting, stale, refused, and malformed.
      for (const refused of [
        await api.send('POST', '/v1/customers', { body: person }),
        await api.send('PATCH', path, { body: { familyName: person.givenName }, headers: { 'if-match': '"9"' } }),
        await api.send('GET', `/v1/customers?q=${encodeURIComponent(person.displayName)}`),
        await api.send('GET', `/v1/customers?filter=${encodeURIComponent(`family_name > "${person.familyName}"`)}`),
      ]) {
        expect(refused.status).toBeGreaterThanOrEqual(400);
        expect(refused.status).toBeLessThan(500);
        refusals.push(JSON.stringify(refused.body).toLowerCase());
      }
    }

    // All of them were sent by webhooks, whose stored bodies are searched too.
    await allSent(people.length + imported.length);
    const headers = { ...lastRead.headers, 'cache-control': 'no-cache' };
    expect((await api.send('GET', `/v1/customers/${ids[0]}`, { headers })).status).toBe(200);
    expect(found([...sent].join('\n'))).toEqual(values);
    expect(found(await everythingStored())).toEqual([]);
    const redis = await everythingInRedis();
    expect(redis).toContain('rapport:cache:answer:');
    expect(found(redis)).toEqual([]);
    expect(found(await everythingLogged())).toEqual([]);
    await expect.poll(processesTraced, { timeout: 60_000 }).toEqual(['auth', 'customers', 'edge', 'sync']);
    await traces.traceWith(lastWrite.traceId, 'sync webhook deliver');
    const getCustomer = 'customers rapport.customers.v1.CustomersService/GetCustomer';
    await traces.traceWith(lastRead.traceId, 'edge GET /v1/customers/:id', getCustomer);
    const allTraces = traces.text;
    expect(allTraces).toContain('EVALSHA');
    expect(found(allTraces.toLowerCase())).toEqual([]);
    expect(found(refusals.join('\n'))).toEqual([]);
    // The server's files have dead rows and the WAL, which may still contain values from before the encryption, but never
    // later ones.
    const late = new Set([...after, ...imported].map(({ givenName }) => givenName.slice('vlorgmund'.length)));
    const onDisk = await codesOnDisk();
    expect(onDisk.size).toBeGreaterThan(0);
    expect([...onDisk].filter((code) => late.has(code))).toEqual([]);
    printTally('encryption', { people: count, imported: imported.length, values: values.length });
  },
);

/** Imports a file as an operation, and reads its report, which quotes the first row. */
async function importPeople(dryRun: boolean): Promise<void> {
  const rows = imported.map((person) => {
    const [email, phone, address] = [person.emails[0]?.address, person.phones[0]?.number, person.addresses[0]?.street];
    return [person.displayName, person.givenName, person.familyName, person.birthDate, email, phone, address].join();
  });
  const [first] = imported;
  const again = `${first?.displayName},,,,${first?.emails[0]?.address},,`;
  const file = ['name,given name,family name,birth date,email,phone,street', ...rows, again, ''].join('\n');
  const { body } = await api.send('POST', '/v1/imports', {
    ...{ body: { contentType: 'text/csv', dryRun }, headers: { 'idempotency-key': `import-${dryRun}` } },
  });
  const { id } = body as { id: string };
  const headers = { 'content-type': 'application/octet-stream' };
  expect((await api.send('PUT', `/v1/imports/${id}/file`, { headers, body: file })).status).toBe(200);
  await expect
    .poll(async () => (await api.send('GET', `/v1/operations/${id}`)).body, { timeout: soakTimeoutMs })
    .toMatchObject({ state: 'SUCCEEDED', counts: { created: imported.length, joined: 1 } });
  const issues = (await api.send('GET', `/v1/operations/${id}/issues`)).body;
  expect(issues).toMatchObject({ issues: [{ message: expect.stringContaining(first?.displayName ?? '') as string }] });
}

async function allSent(count: number): Promise<void> {
  await expect.poll(() => sent.size, { timeout: soakTimeoutMs }).toBe(count);
}

/** The values that occur in a text, as text or as hexadecimal bytes. */
function found(text: string): string[] {
  const isIn = (part: string) => text.includes(part) || text.includes(Buffer.from(part).toString('hex'));
  // Texts have megabytes: to search each for every value took seconds.
  const present = starts.filter(isIn);
  return values.filter((value) => present.some((start) => value.startsWith(start)) && isIn(value));
}

/** The `COPY` output of every table of every database, in lower case. */
async function everythingStored(): Promise<string> {
  const server = new URL(platform.customersDatabase.superuserUrl);
  const databases = await queryDatabase<{ name: string }>(
    server.href,
    'select datname as name from pg_database where not datistemplate',
  );
  const parts: string[] = [];
  for (const { name: database } of databases) {
    server.pathname = database;
    const tables = await queryDatabase<{ name: string }>(
      server.href,
      `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and c.relkind = 'r'`,
    );
    if (tables.length === 0) continue;
    const selects = tables.map(({ name }) => `select row::text as text from ${name} row`);
    const rows = await queryDatabase<{ text: string }>(server.href, selects.join(' union all '));
    parts.push(...rows.map((row) => row.text.toLowerCase()));
  }
  return parts.join('\n');
}

async function everythingInRedis(): Promise<string> {
  const redis = redisClient(await readFile(join(platform.logDir, '../secrets/edge-redis-url'), 'utf8'));
  await redis.connect();
  const parts: string[] = [];
  for await (const names of redis.scanIterator()) {
    for (const name of names) {
      parts.push(name, ...(await valuesAt(redis, name)));
    }
  }
  redis.destroy();
  return parts.join('\n').toLowerCase();
}

function redisClient(url: string) {
  return createClient({ url });
}

async function valuesAt(redis: ReturnType<typeof redisClient>, name: string): Promise<string[]> {
  switch (await redis.type(name)) {
    case 'hash':
      return Object.values(await redis.hGetAll(name));
    case 'zset':
      return redis.zRange(name, 0, -1);
    case 'string':
      return [(await redis.get(name)) ?? ''];
    default:
      throw new Error(`Add here how ${name} is read.`);
  }
}

/** The people whose values occur in any file of PostgreSQL. */
async function codesOnDisk(): Promise<Set<string>> {
  const { superuserUrl } = platform.customersDatabase;
  await queryDatabase(superuserUrl, 'checkpoint');
  const [server] = await queryDatabase<{ pid: number; folder: string }>(
    superuserUrl,
    `select pid, current_setting('data_directory') as folder from pg_stat_activity where backend_type = 'checkpointer'`,
  );
  if (!server) throw new Error('PostgreSQL does not say where its files are.');
  // It may report its folder relative to its working directory.
  const folder = server.folder.startsWith('/proc/') ? `/proc/${server.pid}/cwd` : server.folder;
  const codes = new Set<string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    // The server may remove one meanwhile.
    const text = await readFile(join(entry.parentPath, entry.name), 'latin1').catch(() => '');
    const marks = /(?:zargothrax |vlorgmund|kweepstone|zargmail|wimbleway )([0-9a-z]{3}q)/g;
    for (const [, code = ''] of text.matchAll(marks)) codes.add(code);
  }
  return codes;
}

function processesTraced(): string[] {
  return [...new Set(traces.spans.map(({ process }) => process))].toSorted();
}

async function everythingLogged(): Promise<string> {
  const { logDir } = platform;
  const files = await readdir(logDir);
  expect(files).toEqual(expect.arrayContaining(['customers.log', 'edge.log', 'postgres.log', 'sync.log']));
  return (await Promise.all(files.map((file) => readFile(join(logDir, file), 'utf8')))).join('\n').toLowerCase();
}
