import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Platform } from '@rapport/testing';
import { beforeAll, expect, it } from 'vitest';
import { ApiClient } from './api-client.ts';
import { killedPlatform } from './availability/killed-platform.ts';
import { newTrace, type ReceivedTraces } from './received-traces.ts';

let platform: Platform;
let traces: ReceivedTraces;
let api: ApiClient;

beforeAll(async () => {
  ({ platform, traces } = await killedPlatform());
  const { apiKey } = await platform.createTenant('Discreet');
  api = await ApiClient.connect(platform.edgeUrl, apiKey);
}, 300_000);

/** Each personal value contains this word, which occurs nowhere else. */
const mark = 'zaphodine';

it('writes no personal value into any log or trace, also on errors', async () => {
  const people = Array.from({ length: 40 }, (_, n) => ({
    kind: 'PERSON',
    displayName: `${mark} ${n}`,
    emails: [{ address: `${mark}${n}@example.com` }],
    addresses: [{ street: `${mark} street ${n}` }],
  }));
  for (const body of people) {
    expect((await api.send('POST', '/v1/customers', { body })).status).toBe(201);
    expect((await api.send('POST', '/v1/customers', { body })).status).toBe(409);
  }
  const wrong = [
    await api.send('POST', '/v1/customers', { body: { kind: 'PERSON', [mark]: 1, birthDate: mark } }),
    await api.send('GET', `/v1/customers?filter=${encodeURIComponent(`emails = "${mark}0@example.com`)}`),
    await api.send('GET', `/v1/${mark}`),
    await api.send('GET', `/v1/customers/${mark}`),
    await api.send('POST', '/v1/customers:upsert', { body: { ...people[0], match: 'EMAIL' } }),
  ];
  for (const { status } of wrong) expect(status).toBeGreaterThanOrEqual(400);
  expect((await api.send('GET', `/v1/customers?q=${mark}`)).status).toBe(200);
  const file = `email,phone\n${mark}0@example.com,${mark}\nnot ${mark},12\n`;
  const last = newTrace();
  const headers = { 'content-type': 'text/csv', ...last.headers };
  expect((await api.send('POST', '/v1/customers:import', { body: file, headers })).status).toBe(200);

  // The last span has arrived.
  await traces.traceWith(
    last.traceId,
    'edge POST /v1/customers::import',
    'customers rapport.customers.v1.CustomersService/ImportCustomers',
  );
  expect(traces.text.toLowerCase()).not.toContain(mark);

  const files = await readdir(platform.logDir);
  expect(files).toEqual(expect.arrayContaining(['customers.log', 'edge.log', 'postgres.log']));
  for (const name of files) {
    const lines = (await readFile(join(platform.logDir, name), 'utf8')).split('\n');
    expect(
      lines.filter((line) => line.toLowerCase().includes(mark)),
      name,
    ).toEqual([]);
  }
});

it('erases a person over REST: a cached answer is never served again, and the earlier export was complete', async () => {
  const body = { kind: 'PERSON', displayName: 'Trillian', emails: [{ address: 'trillian@example.com' }] };
  const { id } = (await api.send('POST', '/v1/customers', { body })).body as { id: string };
  const consent = { purpose: 'news', channel: 'EMAIL', state: 'GIVEN', legalBasis: 'CONSENT', source: 'web form' };
  expect((await api.send('POST', `/v1/customers/${id}/consents`, { body: consent })).status).toBe(201);
  for (let reads = 0; reads < 3; reads += 1) {
    expect((await api.send('GET', `/v1/customers/${id}`)).status).toBe(200);
  }
  const exported = await api.send('GET', `/v1/customers/${id}:exportPersonalData`);
  expect(exported.body).toMatchObject({ customer: { id, ...body }, consents: [{ purpose: 'news', state: 'GIVEN' }] });

  const erasure = await api.send('POST', `/v1/customers/${id}:erase`, { body: { reason: 'case 4711' } });

  expect(erasure).toMatchObject({ status: 200, body: { customerIds: [id], reason: 'case 4711' } });
  const { id: erasureId } = erasure.body as { id: string };
  expect(await api.send('GET', `/v1/customers/${id}`)).toMatchObject({
    status: 404,
    body: { code: 'CUSTOMER_ERASED' },
  });
  expect((await api.send('GET', `/v1/erasures/${erasureId}`)).body).toEqual(erasure.body);
  const check = { channel: 'EMAIL', addresses: ['Trillian@example.com'] };
  expect((await api.send('POST', '/v1/suppressions:check', { body: check })).body).toEqual({
    verdicts: [{ suppressed: true, reasons: ['ERASURE'] }],
  });
});
