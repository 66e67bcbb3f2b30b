import { sharedPlatform } from '@rapport/testing';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { Rapport } from '../src/index.ts';
import { EdgeSwitch } from './edge-switch.ts';

const platform = await sharedPlatform(inject('platformUrl'));
let edges: EdgeSwitch;
let rapport: Rapport;

beforeAll(async () => {
  edges = await EdgeSwitch.before(platform.edgeUrls);
});

beforeEach(async () => {
  const { apiKey } = await platform.createTenant('Lost answers');
  rapport = new Rapport({ baseUrl: edges.url, apiKey });
});

afterAll(() => edges.close());

test('a write whose answer is lost is done once', async () => {
  edges.loseAnswers(2);
  const { id } = await rapport.customers.create({ kind: 'PERSON', givenName: 'Once' });

  expect(edges.lost).toBe(0);
  expect((await rapport.customers.list().first(5)).map((each) => each.id)).toEqual([id]);
});

test('an edit whose answer is lost is done once, and not taken for a change of another caller', async () => {
  const { id } = await rapport.customers.create({ kind: 'PERSON', givenName: 'Edited' });
  let calls = 0;
  const { tags, etag } = await rapport.customers.edit(id, (each) => {
    calls++;
    edges.loseAnswers(1);
    return { tags: [...each.tags, 'added'] };
  });

  expect({ tags, etag, calls }).toEqual({ tags: ['added'], etag: '"2"', calls: 1 });
});

test('a write that could be done twice fails, and says that no answer arrived', async () => {
  edges.loseAnswers(1);
  const error = rapport.users.create({ email: 'ada@navy.example', displayName: 'Ada', roleIds: [] });

  await expect(error).rejects.toMatchObject({ code: 'CONNECTION_FAILED', status: 0, retryable: true });
});

test('a rate that is used up is refused with the time to wait', async () => {
  const { apiKey } = await platform.createTenant('Tiny', 'tiny');
  // Shorter than the minute to wait, and longer than a busy machine needs for its answers.
  const tiny = new Rapport({ baseUrl: edges.url, apiKey, timeoutMs: 20_000 });
  const error: unknown = await Promise.all(Array.from({ length: 120 }, () => tiny.customers.list().page())).then(
    () => undefined,
    (reason: unknown) => reason,
  );

  expect(error).toMatchObject({ status: 429, code: 'RATE_LIMITED', retryable: true, metadata: { budget: 'key' } });
});

test('an upload whose connection breaks continues with the bytes that arrived', async () => {
  const { id } = await rapport.customers.create({ kind: 'PERSON', givenName: 'Owner' });
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  const received: number[] = [];
  const file = await rapport.files.upload(
    { record: `customers/${id}`, name: 'noise.bin', body: bytes },
    {
      pieceBytes: 20_000,
      onProgress: ({ receivedBytes }) => {
        received.push(receivedBytes);
        edges.loseAnswers(1);
      },
    },
  );
  edges.loseAnswers(0);
  const downloaded = await rapport.files.download({ id: file.id });

  expect(received).toEqual([20_000, 40_000, 60_000]);
  expect(new Uint8Array(await downloaded.arrayBuffer())).toEqual(bytes);
  expect((await rapport.files.list({ record: `customers/${id}` }).first(5)).map((each) => each.name)).toEqual([
    'noise.bin',
  ]);
  const part = await rapport.files.download({ id: file.id }, { range: 'bytes=10-19' });
  expect(new Uint8Array(await part.arrayBuffer())).toEqual(bytes.slice(10, 20));
});

test('another process continues an upload', async () => {
  const { id } = await rapport.customers.create({ kind: 'PERSON', givenName: 'Owner' });
  const request = { record: `customers/${id}`, name: 'a.txt', body: 'abcdef' };
  const ended = new AbortController();
  let upload = '';
  const first = rapport.files.upload(request, {
    pieceBytes: 2,
    signal: ended.signal,
    onProgress: (progress) => {
      upload = progress.id;
      ended.abort(new Error('The process ended.'));
    },
  });
  await expect(first).rejects.toThrow('The process ended.');

  const file = await rapport.files.upload(request, { resume: upload });
  expect(file).toMatchObject({ id: upload, sizeBytes: 6 });
  expect(await (await rapport.files.download({ id: file.id })).text()).toBe('abcdef');
});

test('an import is uploaded, watched and waited for, whatever breaks', async () => {
  const rows = Array.from({ length: 200 }, (_, index) => `P${index},p${index}@navy.example`);
  const body = ['given_name,email', ...rows].join('\n');
  const request = { contentType: 'text/csv', map: ['given_name=givenName', 'email=email'], body };
  edges.loseAnswers(1);
  const { id } = await rapport.imports.upload(request, { pieceBytes: 1_000 });
  const states: string[] = [];
  for await (const { state } of rapport.operations.watch({ id })) {
    states.push(state ?? '');
    edges.cut();
  }
  const ended = await rapport.operations.wait({ id });

  expect(states.at(-1)).toBe('SUCCEEDED');
  expect(ended).toMatchObject({ state: 'SUCCEEDED', counts: { rows: 200, created: 200 } });
});
