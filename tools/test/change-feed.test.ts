import { sharedPlatform } from '@rapport/testing';
import { beforeAll, expect, inject, it } from 'vitest';
import { ApiClient } from './api-client.ts';

interface Page {
  changes: { recordId: string; operation: string; cursor: string; after?: Record<string, unknown> }[];
  nextCursor: string;
  hasMore: boolean;
}

interface Event {
  id: string | undefined;
  data: { cursor: string; change?: Page['changes'][number] };
}

const platform = await sharedPlatform(inject('platformUrl'));
let apiKey: string;
let api: ApiClient;

beforeAll(async () => {
  ({ apiKey } = await platform.createTenant('Readers of changes'));
  api = await ApiClient.connect(platform.edgeUrl, apiKey);
}, 120_000);

it('one path answers changes as a page of JSON, or as events by Accept', async () => {
  const first = await create('Ada');
  const { headers, body } = await api.send('GET', '/v1/changes?waitSeconds=5');
  const page = body as Page;
  const events = readEvents('');
  const begin = await events.next();
  const second = await create('Grace');
  const event = await events.next();
  await events.return();

  expect(page.changes).toMatchObject([{ recordId: first, operation: 'CREATE', after: { displayName: 'Ada' } }]);
  expect(headers.get('vary')).toBe('accept');
  expect(begin.value).toMatchObject({ data: { cursor: page.nextCursor } });
  expect(event.value?.data.change).toMatchObject({ recordId: second, operation: 'CREATE' });
  expect(event.value?.id).toBe(event.value?.data.cursor);
});

it('a browser that reconnects resumes after its last event', async () => {
  const events = readEvents('');
  const begin = await events.next();
  const ids = [await create('A'), await create('B'), await create('C')];
  const seen = await events.next();
  await events.return();

  const again = readEvents('?cursor=wrong', { 'last-event-id': seen.value?.id ?? '' });
  const received: (string | undefined)[] = [];
  while (received.length < 2) {
    const { value } = await again.next();
    if (value?.data.change) received.push(value.data.change.recordId);
  }
  await again.return();

  expect(begin.value?.data.change).toBeUndefined();
  expect(seen.value?.data.change?.recordId).toBe(ids[0]);
  expect(received).toEqual(ids.slice(1));
});

it('a malformed cursor, or one of another filter, is reported in the answer', async () => {
  const { nextCursor } = (await api.send('GET', '/v1/changes')).body as Page;
  for (const query of ['cursor=abc', `cursor=${nextCursor}&types=customer`]) {
    const { status, body } = await api.send('GET', `/v1/changes?${query}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({ errors: [{ in: 'query', pointer: '/cursor' }] });
  }
  const { status, body } = await api.send('GET', '/v1/changes?types=nothing&fields=displayName&fields=x');
  expect(status).toBe(400);
  expect((body as { errors: unknown[] }).errors).toMatchObject([{ in: 'query' }, { in: 'query' }]);
});

it('a customer can be read as of a past time, with its history', async () => {
  const id = await create('Ada');
  const { headers } = await api.send('PATCH', `/v1/customers/${id}`, { body: { displayName: 'Countess' } });
  const { body } = await api.send('GET', `/v1/customers/${id}/history`);
  const { changes } = body as { changes: { operation: string; time: string; changedFields: string[] }[] };
  const before = new Date(Date.parse(changes[1]?.time ?? '') + 1).toISOString();
  const then = await api.send('GET', `/v1/customers/${id}?asOf=${before}`);
  const future = await api.send('GET', `/v1/customers/${id}?asOf=2999-01-01T00:00:00Z`);

  expect(headers.get('etag')).toBe('"2"');
  expect(changes).toMatchObject([{ operation: 'UPDATE', changedFields: ['displayName'] }, { operation: 'CREATE' }]);
  expect(then.body).toMatchObject({ displayName: 'Ada', etag: '"1"' });
  expect(future).toMatchObject({ status: 400, body: { errors: [{ in: 'query', pointer: '/asOf' }] } });
});

it('a snapshot is NDJSON, and ends with the cursor where changes continue', async () => {
  const response = await fetch(`${platform.edgeUrl}/v1/customers:snapshot`, { headers: headersFor() });
  const lines = (await response.text()).trim().split('\n');
  const messages = lines.map((line) => JSON.parse(line) as { customer?: { id: string }; cursor?: string });
  const id = await create('After the snapshot');
  const cursor = messages.at(-1)?.cursor;
  const { changes } = (await api.send('GET', `/v1/changes?waitSeconds=5&cursor=${cursor}`)).body as Page;

  expect(messages.slice(0, -1).every(({ customer }) => customer !== undefined)).toBe(true);
  expect(changes.at(-1)).toMatchObject({ recordId: id });
});

async function create(displayName: string): Promise<string> {
  const body = { kind: 'PERSON', displayName };
  const answer = await api.send('POST', '/v1/customers', { body });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return (answer.body as { id: string }).id;
}

function headersFor(headers: Record<string, string> = {}): Record<string, string> {
  return { authorization: `Bearer ${apiKey}`, ...headers };
}

async function* readEvents(query: string, headers: Record<string, string> = {}): AsyncGenerator<Event, void> {
  const gone = new AbortController();
  const response = await fetch(`${platform.edgeUrl}/v1/changes${query}`, {
    headers: headersFor({ accept: 'text/event-stream', ...headers }),
    signal: gone.signal,
  });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  let text = '';
  try {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      for (const event of events.filter((each) => !each.startsWith(':'))) {
        const id = /^id: (.*)$/m.exec(event)?.[1];
        yield { id, data: JSON.parse(/^data: (.*)$/m.exec(event)?.[1] ?? '') as Event['data'] };
      }
    }
  } finally {
    gone.abort();
  }
}
