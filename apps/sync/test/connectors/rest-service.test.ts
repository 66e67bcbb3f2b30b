import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Page, Peer, WriteItem } from '../../src/connectors/connector.js';
import type { JsonObject } from '../../src/connectors/peer-record.js';
import { collect, failure, lastCursor, recordIds, records } from './conformance-run.js';
import { createRestPeer } from './rest-peer.js';
import type { RestServerOptions } from './rest-document.js';
import { raw, type RestServer } from './rest-server.js';

let real: Awaited<ReturnType<typeof createRestPeer>>;
let server: RestServer;
const { signal } = new AbortController();

const start = async (options: Partial<RestServerOptions> = {}, change: Record<string, unknown> = {}) => {
  real = await createRestPeer(options, change);
  server = real.server;
};
beforeEach(() => start());
afterEach(() => real.stop());

const connect = (change: object = {}): Peer =>
  real.connector.connect({ ...real.configuration, ...change }, real.environment);
const read = (peer: Peer, cursor?: string): Promise<Page[]> =>
  collect(peer.read({ recordType: 'people', cursor, pageSize: 3, signal }));
const write = async (peer: Peer, item: WriteItem) =>
  (await peer.write({ recordType: 'people', items: [item], signal }))[0];
const update = async (peer: Peer, id: number, fields: JsonObject) => {
  const { version = '' } = (await peer.readOne('people', String(id), signal)) ?? {};
  return write(peer, { kind: 'UPDATE', id: String(id), expectedVersion: version, fields });
};

describe('values', () => {
  test('arrive as they were written, and go back digit for digit', async () => {
    const id = server.add({
      ...{ name: 'Ada', paid: raw('1234567890123456789.10'), score: raw('0.1'), born: '1815-12-10', active: true },
      ...{ seen: '2026-07-01T12:00:00.123456+02:00', tags: ['a'], address: { city: 'London' } },
      extra: { deep: [raw('12345678901234567890')] },
    });
    const peer = connect();

    expect((await peer.readOne('people', String(id), signal))?.fields).toMatchObject({
      ...{ paid: '1234567890123456789.10', score: 0.1, born: '1815-12-10', active: true, tags: ['a'] },
      ...{ seen: '2026-07-01T10:00:00.123456Z', 'address.city': 'London', extra: { deep: ['12345678901234567890'] } },
    });
    const changes = { paid: '9876543210987654321.5', address: { zip: 'NW1' } };
    expect(await update(peer, id, changes)).toMatchObject({ kind: 'WRITTEN' });
    const stored = server.stored(id);
    expect(stored).toContain('"paid":9876543210987654321.50');
    expect(stored).toContain('"address":{"city":"London","zip":"NW1"}');
  });

  test.each([
    [{ paid: '1.005' }, 'paid'],
    [{ paid: 'much' }, 'paid'],
    [{ score: '12345678901234567890.5' }, 'score'],
    [{ born: '10.12.1815' }, 'born'],
    [{ seen: '2026-07-01T12:00:00' }, 'seen'],
    [{ active: 'yes' }, 'active'],
    [{ updated_at: '2026-07-01T12:00:00Z' }, 'updated_at'],
    [{ key: 'mine' }, 'key'],
  ])('that do not fit are rejected by the field, and not sent: %j', async (fields, field) => {
    const id = server.add({ name: 'Ada' });

    expect(await update(connect(), id, fields)).toMatchObject({ kind: 'REJECTED', issues: [{ field }] });
    expect(server.stored(id)).toBe('{"name":"Ada"}');
  });

  test('of another shape than the document says cost their record, and are said by the check', async () => {
    server.add({ name: 'Ada' });
    server.add({ name: { first: 'Grace' } });
    const peer = connect();

    const items = (await read(peer)).flatMap((page) => page.items);
    expect(items).toMatchObject([
      { kind: 'RECORD', record: { fields: { name: 'Ada' } } },
      { kind: 'UNREADABLE', id: '2', issues: [{ reason: 'WRONG_TYPE', field: 'name' }] },
    ]);
    // It is there: it must not look deleted.
    const keys = (await collect(peer.readKeys({ recordType: 'people', signal }))).flat();
    expect(keys.map(({ id }) => id)).toEqual(['1', '2']);
    expect(await failure(() => peer.readOne('people', '2', signal))).toMatchObject({ reason: 'SCHEMA_CHANGED' });
    expect((await failure(() => peer.check(signal))).violations).toMatchObject([{ field: '/documentUrl' }]);
  });
});

describe('statuses', () => {
  const answering = (method: string, status: number, body?: unknown) => {
    server.instead = (request) =>
      request.method === method ? { status, body, headers: { 'retry-after': '7' } } : undefined;
  };

  test.each([
    [429, 'RATE_LIMITED'],
    ...[408, 423, 500, 502, 503, 504].map((status) => [status, 'UNAVAILABLE'] as const),
  ] as const)('%i: the same again, not before its time', async (status, reason) => {
    const id = server.add({ name: 'Ada' });
    const peer = connect();
    await peer.check(signal);
    answering('PATCH', status);
    expect(await update(peer, id, { title: 'Countess' })).toEqual({ kind: 'RETRY_LATER', retryAfterMs: 7_000 });
    answering('GET', status);
    expect(await failure(() => read(peer))).toMatchObject({ reason, retryAfterMs: 7_000 });
  });

  test.each([
    [401, { reason: 'UNAUTHORISED', violations: [{ field: '/bearerToken' }] }],
    [403, { reason: 'UNAUTHORISED' }],
    [404, { reason: 'SCHEMA_CHANGED', violations: [{ field: '/path' }] }],
    [410, { reason: 'SCHEMA_CHANGED' }],
    [302, { reason: 'INVALID', violations: [{ field: '/url', reason: 'REDIRECTED' }] }],
    [418, { reason: 'INVALID' }],
  ])('%i for a list stops the exchange', async (status, expected) => {
    const peer = connect();
    await peer.check(signal);
    answering('GET', status);
    expect(await failure(() => read(peer))).toMatchObject(expected);
  });

  test.each([
    { errors: [{ field: 'title', message: 'Wrong' }] },
    { errors: [{ pointer: '/data/title' }] },
    { error: { details: { errors: [{ path: ['title'] }] } } },
    { errors: { title: ['is too long'] } },
    { message: 'Value for field "title" is wrong.' },
  ])('422 costs the field that the answer names: %j', async (body) => {
    const id = server.add({ name: 'Ada' });
    answering('PATCH', 422, body);
    const result = await update(connect(), id, { title: 'Countess', email: 'ada@example.com' });
    expect(result).toMatchObject({ kind: 'REJECTED', issues: [{ field: 'title', reason: 'REFUSED' }] });
    expect(result).toHaveProperty('issues.length', 1);
  });

  test.each([400, 409, 422])('%i that names no field costs the record', async (status) => {
    const id = server.add({ name: 'Ada' });
    answering('PATCH', status, { message: 'No.' });
    const result = await update(connect(), id, { title: 'Countess' });
    expect(result).toMatchObject({ kind: 'REJECTED', issues: [{ reason: 'REFUSED' }] });
    expect(result).not.toHaveProperty('issues.0.field');
  });

  test('403 for one record, where the list is allowed, is a record that is not there', async () => {
    const id = server.add({ name: 'Ada' });
    server.instead = ({ url = '' }) => (/people\/\d/.test(url) ? { status: 403 } : undefined);
    expect(await connect().readOne('people', String(id), signal)).toBeUndefined();
    server.instead = ({ url = '' }) => (url.includes('/people') ? { status: 403 } : undefined);
    expect(await failure(() => connect().readOne('people', String(id), signal))).toMatchObject({
      reason: 'UNAUTHORISED',
    });
  });

  test('a create whose answer is lost makes one record, also of a service that keeps no key unique', async () => {
    const peer = connect();
    const item = { kind: 'CREATE', key: 'k', fields: { name: 'Ada' } } as const;
    // The record is made behind the answer.
    server.instead = ({ method }) => {
      if (method !== 'POST') return undefined;
      server.add({ name: 'Ada', key: 'k' });
      return { status: 504 };
    };
    expect(await write(peer, item)).toMatchObject({ kind: 'RETRY_LATER' });
    expect(await write(peer, item)).toMatchObject({ kind: 'CONFLICT', id: '1', current: { fields: { name: 'Ada' } } });
    expect(server.all()).toHaveLength(1);
  });
});

test('a service that answers writes with nothing has written what it then shows, with other zeros too', async () => {
  await real.stop();
  await start({ isSilent: true, method: 'put' });
  const id = server.add({ name: 'Ada', key: 'mine', shoe: 43 });
  const peer = connect();
  server.before = ({ method }) => {
    // It keeps doubles, and times with milliseconds.
    if (method === 'GET')
      server.edit(id, { ...(server.stored(id)?.includes('paid') && { paid: 0.5 }) }, 1_000_000_000_000);
  };
  const changes = { paid: '0.50', seen: '2026-07-01T10:00:00.500Z' };
  const result = await update(peer, id, changes);
  expect(result).toMatchObject({ kind: 'WRITTEN', id: String(id) });
  expect(server.stored(id)).toContain('"key":"mine","shoe":43');
  // Another client edits the record before the connector reads it again.
  server.before = ({ method }) => {
    if (method === 'GET' && server.stored(id)?.includes('Countess')) server.edit(id, { email: 'ada@example.com' });
  };
  expect(await update(peer, id, { title: 'Countess' })).toMatchObject({
    kind: 'CONFLICT',
    current: { fields: { title: 'Countess', email: 'ada@example.com' } },
  });
});

describe('reading', () => {
  test('loses nothing when what was read moves to the end of the list', async () => {
    const now = Date.now();
    const ids = Array.from({ length: 12 }, (_, index) => server.add({ name: `Name ${index}` }, now - 10_000 + index));
    const peer = connect();
    const pages = peer.read({ recordType: 'people', pageSize: 3, signal })[Symbol.asyncIterator]();
    const first = (await pages.next()).value as Page;
    for (const id of ids.slice(0, 3)) server.edit(id, { title: 'Edited' });
    const rest = await collect({ [Symbol.asyncIterator]: () => pages });
    expect(new Set(recordIds([first, ...rest]))).toEqual(new Set(ids.map(String)));
    expect(records(rest).filter(({ fields }) => fields['title'] === 'Edited')).toHaveLength(3);
  });

  test('loses nothing when one of many records of one moment goes away meanwhile', async () => {
    const then = Date.now() - 10_000;
    const ids = Array.from({ length: 11 }, (_, index) => server.add({ name: `Name ${index}` }, then));
    let lists = 0;
    server.before = ({ url = '' }) => {
      // Between the first page and the second.
      if (url.includes('page=') && (lists += 1) === 2) server.remove(ids[0] ?? 0);
    };
    const seen = recordIds(await read(connect()));
    expect(seen.sort()).toEqual(ids.map(String).sort());
  });

  test('waits for what is younger than lateSeconds, by the clock of the service', async () => {
    const id = server.add({ name: 'Ada' });
    const patient = connect({ lateSeconds: 3_600 });
    const pages = await read(patient);
    expect(recordIds(pages)).toEqual([]);
    server.edit(id, {}, Date.now() - 7_200_000);
    expect(recordIds(await read(patient, lastCursor(pages)))).toEqual([String(id)]);
  });

  test('has an edit of the same millisecond, and nothing twice', async () => {
    const moment = Date.now();
    const [first, second] = [server.add({ name: 'Ada' }, moment), server.add({ name: 'Grace' }, moment)];
    const peer = connect();
    const cursor = lastCursor(await read(peer));
    server.edit(first, { title: 'Countess' }, moment);
    const pages = await read(peer, cursor);
    expect(recordIds(pages)).toEqual([String(first)]);
    expect(recordIds(await read(peer, lastCursor(pages)))).toEqual([]);
    expect(second).toBe(2);
  });

  test.each([
    [{ listQuery: 'sort=none' }, '/listQuery'],
    [{ changedSince: 'since={time}' }, '/changedSince'],
    [{ pageParameter: 'number' }, '/pageParameter'],
    [{ updatedField: 'seen' }, '/updatedField'],
    [{ listPath: 'people' }, '/listPath'],
  ])('with %j, which the service does not know, is refused by the setting', async (change, field) => {
    const now = Date.now();
    for (let index = 0; index < 9; index += 1) server.add({ name: `Name ${index}` }, now - index * 1_000);
    const peer = connect(change);
    const error = await failure(async () => {
      const cursor = lastCursor(await read(peer));
      server.edit(1, { title: 'Edited' }, now + 1_000);
      await read(peer, cursor);
    });
    expect(error.violations.map((violation) => violation.field)).toEqual([field]);
  });

  test('with findByKey that finds everything creates nothing', async () => {
    server.add({ name: 'Ada' });
    const peer = connect({ findByKey: 'external={key}' });
    const error = await failure(() => write(peer, { kind: 'CREATE', key: 'k', fields: { name: 'Grace' } }));
    expect(error.violations).toMatchObject([{ field: '/findByKey' }]);
    expect(server.all()).toHaveLength(1);
  });
});

describe('credentials', () => {
  test('go to the service only, whatever its answers lead to', async () => {
    const other = await createRestPeer({});
    await real.stop();
    await start({ paging: 'LINK' });
    for (let index = 0; index < 9; index += 1) server.add({ name: `Name ${index}` });
    const link = `<${other.server.url}/people>; rel="next"`;
    server.instead = ({ url = '' }) =>
      url.includes('/people') ? { status: 200, body: [{ id: 1 }], headers: { link } } : undefined;
    const noTime = { updatedField: undefined, changedSince: undefined };
    expect((await failure(() => read(connect(noTime)))).violations).toMatchObject([{ field: '/url' }]);
    server.instead = ({ url = '' }) =>
      url.includes('/people') ? { status: 307, headers: { location: `${other.server.url}/people` } } : undefined;
    expect((await failure(() => read(connect()))).violations).toMatchObject([{ field: '/url', reason: 'REDIRECTED' }]);
    expect(other.server.requests).toEqual([]);

    const elsewhere = { documentUrl: `${other.server.url}/openapi.json` };
    expect((await failure(() => connect(elsewhere).check(signal))).violations).toMatchObject([
      { field: '/documentUrl' },
    ]);
    expect(other.server.requests).toMatchObject([{ authorization: undefined }]);
    await other.stop();
  });
});
