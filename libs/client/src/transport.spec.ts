import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { RapportOptions } from './call.js';
import { Rapport } from './client.js';
import type { RapportError } from './problem.js';

type Given = Response | Error | ((request: Request) => Promise<Response>);

/** The requests that were made, with the milliseconds at which they were. */
let requests: { at: number; request: Request }[];

beforeEach(() => {
  requests = [];
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('a read', () => {
  test('is repeated after failures, each time after a longer wait', async () => {
    const rapport = client(new TypeError('fetch failed'), problem(503), problem(500), json({ id: 'a' }));
    await expect(settled(rapport.customers.get({ id: 'a' }))).resolves.toEqual({ id: 'a' });
    expect(requests.map(({ at }) => at)).toEqual([0, 100, 300, 700]);
  });

  test('waits as long as Retry-After says, and some jitter', async () => {
    const rapport = client(problem(503, {}, { 'retry-after': '7' }), json({}));
    await settled(rapport.customers.get({ id: 'a' }));
    expect(requests.map(({ at }) => at)).toEqual([0, 7_100]);
  });

  test('is repeated when its body breaks off', async () => {
    const broken = new ReadableStream({ pull: (controller) => controller.error(new TypeError('terminated')) });
    const rapport = client(new Response(broken), json({ id: 'a' }));
    await expect(settled(rapport.customers.get({ id: 'a' }))).resolves.toEqual({ id: 'a' });
  });

  test('fails with the last problem when its time is up', async () => {
    const rapport = client(...Array.from({ length: 50 }, () => problem(503, { code: 'OVERLOADED' })));
    const error = await failure(rapport.customers.get({ id: 'a' }, { timeoutMs: 5_000 }));
    expect(error).toMatchObject({ code: 'OVERLOADED', status: 503, retryable: true });
    expect(requests.map(({ at }) => at)).toEqual([0, 100, 300, 700, 1_500, 3_100]);
  });

  test('of a server that does not answer ends in time', async () => {
    const silent = ({ signal }: Request) =>
      new Promise<Response>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    const rapport = client(silent, silent);
    const error = await failure(rapport.customers.get({ id: 'a' }, { timeoutMs: 20_000 }));
    expect(error).toMatchObject({ code: 'TIMEOUT', status: 0 });
    expect(requests.map(({ at }) => at)).toEqual([0, 15_100]);
  });

  test('fails with what the access token function throws', async () => {
    const rapport = clientWith({ accessToken: () => Promise.reject(new Error('Signed out.')) }, json({}));
    expect(await failure(rapport.customers.get({ id: 'a' }))).toEqual(new Error('Signed out.'));
    expect(requests).toEqual([]);
  });

  test('ends with the reason of its signal, also while it waits', async () => {
    const ending = new AbortController();
    const rapport = client(problem(503, {}, { 'retry-after': '30' }));
    const call = failure(rapport.customers.get({ id: 'a' }, { signal: ending.signal }));
    await vi.advanceTimersByTimeAsync(1_000);
    ending.abort(new Error('The page was left.'));
    expect(await call).toEqual(new Error('The page was left.'));
  });
});

describe('a write', () => {
  test('with an idempotency key is repeated with the same key', async () => {
    const rapport = client(new TypeError('fetch failed'), problem(504), json({}), json({}));
    await settled(rapport.customers.create({ kind: 'PERSON' }));
    await settled(rapport.customers.create({ kind: 'PERSON' }));
    const [first, second, third, other] = requests.map(({ request }) => request.headers.get('idempotency-key'));
    expect(first).toMatch(/^[0-9a-f]{32}$/);
    expect([second, third]).toEqual([first, first]);
    expect(other).not.toBe(first);
  });

  test('has the key that the caller chooses', async () => {
    const rapport = client(json({}));
    await settled(rapport.customers.create({ kind: 'PERSON' }, { idempotencyKey: 'order-4711' }));
    expect(requests[0]?.request.headers.get('idempotency-key')).toBe('order-4711');
  });

  test('that is not idempotent is not repeated when it may have been done', async () => {
    for (const given of [new TypeError('fetch failed'), problem(503), problem(504), problem(500)]) {
      await failure(client(given).users.delete({ id: 'a' }));
    }
    expect(requests).toHaveLength(4);
  });

  test('that is not idempotent is repeated when nothing was done', async () => {
    const limited = problem(429, { code: 'RATE_LIMITED' }, { 'retry-after': '1' });
    const rapport = client(limited, problem(503, { code: 'OVERLOADED' }), json({}));
    await settled(rapport.users.delete({ id: 'a' }));
    expect(requests).toHaveLength(3);
  });

  test('without an idempotency key is repeated after 507 STORAGE_FULL, which did nothing', async () => {
    await settled(client(problem(507, { code: 'STORAGE_FULL' }), json({})).users.delete({ id: 'a' }));
    expect(requests).toHaveLength(2);
  });

  test.each(['CONCURRENT_WRITE', 'IDEMPOTENCY_KEY_IN_USE'])('is repeated after 409 %s', async (code) => {
    await settled(client(problem(409, { code }), json({})).customers.create({ kind: 'PERSON' }));
    expect(requests).toHaveLength(2);
  });

  test.each([
    [412, 'ETAG_MISMATCH'],
    [422, 'IDEMPOTENCY_KEY_REUSED'],
    [409, 'EMAIL_TAKEN'],
    // A quota: no wait would help.
    [429, 'FILE_QUOTA'],
  ])('is not repeated after %i %s', async (status, code) => {
    expect(await failure(client(problem(status, { code })).customers.create({ kind: 'PERSON' }))).toMatchObject({
      status,
      code,
      retryable: false,
    });
    expect(requests).toHaveLength(1);
  });
});

describe('a rate budget', () => {
  const used = (left: number) => ({ ratelimit: `"key";r=${left};t=9, "tenant";r=500;t=60` });

  test('that is used up pauses all calls of the client', async () => {
    const rapport = client(json({}, used(1)), json({}, used(0)), json({}), json({}));
    await settled(rapport.customers.get({ id: 'a' }));
    await settled(rapport.customers.get({ id: 'a' }));
    await settled(Promise.all([rapport.customers.get({ id: 'b' }), rapport.customers.get({ id: 'c' })]));
    expect(requests.map(({ at }) => at)).toEqual([0, 0, 9_100, 9_100]);
  });

  test('that is refused pauses the other calls too, as long as Retry-After says', async () => {
    const refused = problem(429, { code: 'RATE_LIMITED' }, { ...used(3), 'retry-after': '4' });
    const rapport = client(refused, json({}), json({}));
    const first = rapport.customers.get({ id: 'a' });
    await vi.advanceTimersByTimeAsync(1);
    await settled(Promise.all([first, rapport.customers.get({ id: 'b' })]));
    expect(requests.map(({ at }) => at)).toEqual([0, 4_100, 4_100]);
  });

  test('that returns only after the time of a call is left to the server to refuse', async () => {
    const refused = problem(429, { code: 'RATE_LIMITED' }, { ...used(0), 'retry-after': '9' });
    const rapport = client(json({}, used(0)), refused);
    await settled(rapport.customers.get({ id: 'a' }));
    const error = await failure(rapport.customers.get({ id: 'a' }, { timeoutMs: 2_000 }));
    expect(error).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 9_000 });
  });
});

describe('a request', () => {
  test('has its parameters where the operation has them', async () => {
    const rapport = client(json({ customers: [] }), json({}), json({}), json({ changes: [] }));
    await settled(rapport.customers.list({ filter: 'tags:vip & co', pageSize: 2, orderBy: undefined }).page());
    await settled(rapport.customers.update({ id: 'a/b', validateOnly: true, jobTitle: null }, { ifMatch: '"3"' }));
    await settled(rapport.customers.undelete({ id: 'a' }));
    await settled(rapport.changes.list({ types: ['deal', 'customer'] }));

    const [list, update, undelete, changes] = requests.map(({ request }) => request);
    expect(list?.url).toBe('https://rapport.example/v1/customers?filter=tags%3Avip+%26+co&pageSize=2');
    expect(update?.url).toBe('https://rapport.example/v1/customers/a%2Fb?validateOnly=true');
    expect(update?.headers.get('if-match')).toBe('"3"');
    expect(await update?.json()).toEqual({ jobTitle: null });
    expect(undelete?.headers.get('content-type')).toBeNull();
    expect(changes?.url).toBe('https://rapport.example/v1/changes?types=deal&types=customer');
  });

  test('has a current access token, and the headers of the client and of the call', async () => {
    let tokens = 0;
    const accessToken = () => Promise.resolve(`token-${++tokens}`);
    const rapport = clientWith({ accessToken, headers: { 'rapport-console': '1' } }, problem(503), json({}));
    await settled(rapport.customers.get({ id: 'a' }, { headers: { traceparent: '00-1' } }));
    const [first, second] = requests.map(({ request }) => request.headers);
    expect([first, second].map((each) => each?.get('authorization'))).toEqual(['Bearer token-1', 'Bearer token-2']);
    expect([second?.get('rapport-console'), second?.get('traceparent')]).toEqual(['1', '00-1']);
  });
});

test('an answer of a proxy is an error with its status and text', async () => {
  const error = await failure(client(new Response('<h1>Gone</h1>', { status: 410 })).customers.get({ id: 'a' }));
  expect(error).toMatchObject({ code: 'HTTP_ERROR', status: 410, message: '<h1>Gone</h1>', retryable: false });
});

/** A client that gets the given answers, one after the other. */
function client(...given: Given[]): Rapport {
  return clientWith({}, ...given);
}

function clientWith(options: Partial<RapportOptions>, ...given: Given[]): Rapport {
  const start = performance.now();
  return new Rapport({
    baseUrl: 'https://rapport.example/',
    fetch: async (url, init) => {
      const request = new Request(url, init);
      requests.push({ at: Math.round(performance.now() - start), request });
      const answer = given.shift();
      if (answer === undefined) throw new Error('The test has no further answer.');
      if (answer instanceof Error) throw answer;
      return typeof answer === 'function' ? answer(request) : answer;
    },
    ...options,
  });
}

function json(body: object, headers: Record<string, string> = {}): Response {
  return Response.json(body, { headers });
}

function problem(status: number, body: object = {}, headers: Record<string, string> = {}): Response {
  return Response.json(
    { code: 'SERVICE_UNAVAILABLE', status, ...body },
    { status, headers: { ...headers, 'content-type': 'application/problem+json' } },
  );
}

async function settled<Result>(call: Promise<Result>): Promise<Result> {
  await vi.runAllTimersAsync();
  return call;
}

async function failure(call: Promise<unknown>): Promise<RapportError | Error> {
  const error = call.then(
    () => new Error('The call succeeded.'),
    (reason: unknown) => reason as Error,
  );
  await vi.advanceTimersByTimeAsync(0);
  return settled(error);
}
