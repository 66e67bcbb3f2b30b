import { get, type IncomingMessage } from 'node:http';
import { describe, expect, it, vi } from 'vitest';
import { sharedMinerals, type Message } from './running-minerals.ts';

const pieceBytes = 64 * 1024;
/** Most messages in the buffers of both processes and of the kernel for a client that reads nothing. */
const maxBuffered = 500;

const minerals = await sharedMinerals();

describe('a stream of messages', () => {
  it('is one line of JSON for each message', async () => {
    const answer = await ask('/v1/minerals:watch?count=3', 'application/json');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/x-ndjson');
    expect(answer.headers.get('cache-control')).toBe('private, no-store');
    const lines = (await answer.text()).split('\n');
    expect(lines.pop()).toBe('');
    expect(lines.map((line) => JSON.parse(line) as Message)).toMatchObject([{ id: 'm0' }, { id: 'm1' }, { id: 'm2' }]);
  });

  it('is server-sent events for clients that prefer them', async () => {
    const answer = await ask('/v1/minerals:watch?count=2', 'text/event-stream');
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    const events = (await answer.text()).split('\n\n');
    expect(events.pop()).toBe('');
    expect(events.map((event) => JSON.parse(event.replace(/^data: /, '')) as Message)).toMatchObject([
      { id: 'm0', name: 'quartz', synonyms: [] },
      { id: 'm1' },
    ]);
  });

  it('that fails before its first message is answered with the status of the error', async () => {
    for (const accept of ['text/event-stream', 'application/x-ndjson']) {
      const answer = await ask('/v1/minerals:watch?count=2&failAfter=0', accept);
      expect(answer.status).toBe(409);
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
      expect(await answer.json()).toMatchObject({ code: 'CAVE_IN', status: 409 });
    }
  });

  it('that fails later ends its events with the problem', async () => {
    const answer = await ask('/v1/minerals:watch?count=3&failAfter=2', 'text/event-stream');
    const [, , last, end] = (await answer.text()).split('\n\n');
    expect(last).toMatch(/^event: error\ndata: /);
    expect(JSON.parse(last?.split('data: ')[1] ?? '')).toMatchObject({ code: 'CAVE_IN', status: 409 });
    expect(end).toBe('');
  });

  it('that fails later breaks off its lines', async () => {
    const answer = await ask('/v1/minerals:watch?count=3&failAfter=2', 'application/x-ndjson');
    expect(answer.status).toBe(200);
    await expect(answer.text()).rejects.toThrow();
  });

  it('hides unexpected errors', async () => {
    const answer = await ask('/v1/minerals:watch?count=0', 'text/event-stream');
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('secret');
  });

  it('runs its handler in the contexts of the call to the end', async () => {
    const headers = { 'x-request-id': 'request-context' };
    const answer = await fetch(`${minerals.url}/v1/minerals:watch?count=200&watcher=context`, { headers });
    await answer.text();
    expect([...minerals.watched('context').contexts]).toEqual(['request-context inner']);
  });

  it('ends its handler when the client disconnects', async () => {
    const answer = await open('/v1/minerals:watch?count=1000000&watcher=leaver');
    answer.destroy();
    await minerals.watched('leaver').ended;
    expect(minerals.watched('leaver').yielded).toBeLessThan(1_000_000);
  });

  it('ends at the deadline of its policy', async () => {
    // On a busy machine the deadline can end before the first message: then the answer is a problem.
    const answer = await vi.waitUntil(async () => {
      const given = await ask('/v1/minerals:glimpse', 'text/event-stream');
      return given.status === 200 && given;
    });
    expect((await answer.text()).split('\n\n').at(-2)).toMatch(/^event: error\ndata: .*"DEADLINE_EXCEEDED"/);
  });

  it('has no HEAD', async () => {
    expect((await fetch(`${minerals.url}/v1/minerals:watch`, { method: 'HEAD' })).status).toBe(405);
  });

  it('validates its request', async () => {
    const answer = await ask('/v1/minerals:watch?count=-1', 'text/event-stream');
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ errors: [{ in: 'query', pointer: '/count', code: 'TOO_SMALL' }] });
  });

  it('needs a credential if the policy has a permission', async () => {
    expect((await ask('/v1/minerals:audit', 'text/event-stream')).status).toBe(401);
  });
});

describe('a file', () => {
  it('is the service’s bytes, with their content type', async () => {
    const answer = await fetch(`${minerals.url}/v1/minerals/m1:export?pieces=3`);
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(answer.headers.get('cache-control')).toBe('private, no-store');
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(bytes).toEqual(Buffer.concat([0, 1, 2].map((n) => Buffer.alloc(pieceBytes, n))));
  });

  it('waits for a client that reads nothing, and is complete in the end', async () => {
    const pieces = maxBuffered + 100;
    const answer = await open(`/v1/minerals/m1:export?pieces=${pieces}&watcher=slow`);
    const atRest = await minerals.untilAtRest('slow');

    expect(atRest).toBeLessThan(maxBuffered);
    let bytes = 0;
    for await (const data of answer) bytes += (data as Buffer).length;
    expect(bytes).toBe(pieces * pieceBytes);
  });

  it('ends its handler when a client that reads nothing disconnects', async () => {
    const answer = await open('/v1/minerals/m1:export?pieces=100000&watcher=gone');
    await minerals.untilAtRest('gone');
    answer.destroy();
    await minerals.watched('gone').ended;
    expect(minerals.watched('gone').yielded).toBeLessThan(maxBuffered);
  });

  it('that fails in its middle breaks off', async () => {
    const answer = await fetch(`${minerals.url}/v1/minerals/m1:export?pieces=9&failAfter=1`);
    expect(answer.status).toBe(200);
    await expect(answer.arrayBuffer()).rejects.toThrow();
  });

  it('that fails before its first byte is answered with the status of the error', async () => {
    const answer = await fetch(`${minerals.url}/v1/minerals/m1:export?pieces=9&failAfter=0`);
    expect(answer.status).toBe(409);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });

  it('without a byte is empty', async () => {
    const answer = await fetch(`${minerals.url}/v1/minerals/m1:export?pieces=0`);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe('');
  });

  it('can be sent by PUT, with parameters in path and query', async () => {
    const body = Buffer.alloc(200_000, 'x');
    const headers = { 'content-type': 'image/png' };
    const answer = await fetch(`${minerals.url}/v1/minerals/m7/picture?caption=core`, { method: 'PUT', headers, body });
    expect(await answer.json()).toEqual({ id: 'm7', caption: 'core', bytes: 200_000 });
  });
});

async function ask(path: string, accept: string): Promise<Response> {
  return fetch(minerals.url + path, { headers: { accept } });
}

/** An answer that is not read until the test does. */
async function open(path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(minerals.url + path, resolve).once('error', reject);
  });
}
