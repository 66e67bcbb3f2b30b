import { sharedPlatform } from '@rapport/testing';
import { beforeAll, expect, inject, it } from 'vitest';
import { ApiClient } from './api-client.ts';

interface Result {
  customer?: { id: string; displayName: string };
  problem?: { code: string; errors?: { pointer: string }[]; metadata?: Record<string, string> };
}

const platform = await sharedPlatform(inject('platformUrl'));
let api: ApiClient;

beforeAll(async () => {
  const { apiKey } = await platform.createTenant('Batch');
  api = await ApiClient.connect(platform.edgeUrl, apiKey);
}, 120_000);

const good = { kind: 'COMPANY', displayName: 'Good' };
const items = [
  { customer: good },
  { customer: { kind: 'PERSON', emails: [{ address: 'no address' }] } },
  { customer: { displayName: 'No kind' } },
  {},
  { customer: good },
];

it('executes the valid items of a batch and answers the others with problems, once for one key', async () => {
  const request = { headers: { 'idempotency-key': crypto.randomUUID() }, body: { items, mode: 'PER_ITEM' } };

  const { status, body } = await api.send('POST', '/v1/customers:batchCreate', request);

  expect(status).toBe(200);
  const { results } = body as { results: Result[] };
  expect(results.map(({ customer, problem }) => customer?.displayName ?? problem?.errors?.[0]?.pointer)).toEqual([
    'Good',
    '/items/1/customer/emails/0/address',
    '/items/2/customer/kind',
    '/items/3/customer',
    'Good',
  ]);
  expect((await api.send('POST', '/v1/customers:batchCreate', request)).body).toEqual(body);
  const { body: list } = await api.send('GET', '/v1/customers');
  expect((list as { customers: unknown[] }).customers).toHaveLength(2);
});

it('reports a failed item as a problem of RFC 9457, like a failed call', async () => {
  const emails = [{ address: 'taken@example.com' }];
  const { body: there } = await api.send('POST', '/v1/customers', { body: { ...good, emails } });
  const { id: customerId } = there as { id: string };
  const { body: refused } = await api.send('POST', '/v1/customers', { body: { ...good, emails } });

  const created = await api.send('POST', '/v1/customers:batchCreate', {
    body: { items: [{ customer: good }, { customer: { ...good, emails } }], mode: 'PER_ITEM' },
  });
  const gone = { id: crypto.randomUUID() };
  const deleted = await api.send('POST', '/v1/customers:batchDelete', {
    body: { items: [gone, { id: customerId, etag: '"99"' }], mode: 'PER_ITEM' },
  });

  const { requestId: _, ...alone } = refused as { requestId: string; errors: { pointer: string }[] };
  expect((created.body as { results: Result[] }).results[1]).toEqual({
    problem: {
      ...alone,
      detail: expect.stringContaining('items.1.customer.emails.0.address') as string,
      errors: alone.errors.map((error) => ({ ...error, pointer: `/items/1/customer${error.pointer}` })),
      metadata: { customerId },
    },
  });
  expect((deleted.body as { results: Result[] }).results.map(({ problem }) => problem)).toMatchObject([
    { type: 'urn:rapport:problem:customer-not-found', title: 'Not Found', status: 404, code: 'CUSTOMER_NOT_FOUND' },
    { status: 412, code: 'ETAG_MISMATCH', errors: [{ in: 'body', pointer: '/items/1/etag' }] },
  ]);
});

it('points to every wrong item of an atomic batch', async () => {
  const { status, body } = await api.send('POST', '/v1/customers:batchCreate', { body: { items } });

  expect(status).toBe(400);
  expect((body as { errors: { pointer: string }[] }).errors.map(({ pointer }) => pointer)).toEqual(
    expect.arrayContaining(['/items/1/customer/emails/0/address', '/items/2/customer/kind', '/items/3/customer']),
  );
});

it('explains a text of a wrong form in words, not by a pattern, whether the edge or the service refuses it', async () => {
  const customer = { ...good, externalIds: [{ system: 'Our ERP', value: '7' }] };

  const ofEdge = await api.send('POST', '/v1/customers', { body: customer });
  const ofService = await api.send('POST', '/v1/customers:batchCreate', { body: { items: [{ customer }] } });

  const errorsOf = (answer: { body: unknown }) => (answer.body as { errors: { detail: string }[] }).errors;
  const words =
    'must be at most 60 lower-case letters, digits, dots, hyphens and underscores, beginning with a letter or digit, such as erp.';
  expect(errorsOf(ofEdge)).toMatchObject([{ pointer: '/externalIds/0/system', code: 'BAD_FORMAT', detail: words }]);
  expect(errorsOf(ofService)).toMatchObject([
    { pointer: '/items/0/customer/externalIds/0/system', code: 'BAD_FORMAT', detail: words },
  ]);
});

it('says the limit of a text in the singular where it is one', async () => {
  const customer = { ...good, tags: [''] };

  const ofEdge = await api.send('POST', '/v1/customers', { body: customer });
  const ofService = await api.send('POST', '/v1/customers:batchCreate', { body: { items: [{ customer }] } });

  for (const { body } of [ofEdge, ofService]) {
    expect(body).toMatchObject({ errors: [{ code: 'TOO_SHORT', detail: 'must have at least 1 character.' }] });
  }
});

it('refuses a malformed batch before any item is executed', async () => {
  const body = { items: [{ customer: { ...good, emails: 'none' } }, { customer: { ...good, unknown: 1 } }] };

  const answer = await api.send('POST', '/v1/customers:batchCreate', { body: { ...body, mode: 'PER_ITEM' } });

  expect(answer.status).toBe(400);
  expect((answer.body as { errors: { pointer: string }[] }).errors.map(({ pointer }) => pointer)).toEqual([
    '/items/0/customer/emails',
    '/items/1/customer/unknown',
  ]);
});

it('accepts 1,000 records of more than 2 KB at once', async () => {
  const tags = Array.from({ length: 40 }, (_, index) => `${index} `.padEnd(55, 'x'));
  const large = Array.from({ length: 1_000 }, (_, index) => ({
    customer: { ...good, displayName: `L${index}`, tags },
  }));

  const { status, body } = await api.send('POST', '/v1/customers:batchCreate', { body: { items: large } });

  expect(status).toBe(200);
  expect((body as { results: Result[] }).results.map(({ customer }) => customer?.displayName)).toEqual(
    large.map(({ customer }) => customer.displayName),
  );
});

it('refuses a batch with a text in place of a time, whatever its mode', async () => {
  for (const mode of ['ATOMIC', 'PER_ITEM']) {
    const body = { items: [{ call: { subject: 'Hello', startTime: '2026-13-01T00:00:00Z' } }], mode };
    const answer = await api.send('POST', '/v1/calls:batchCreate', { body });
    const error = { in: 'body', pointer: '/items/0/call/startTime', code: 'BAD_FORMAT' };
    expect(answer).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED', errors: [error] } });
  }
});
