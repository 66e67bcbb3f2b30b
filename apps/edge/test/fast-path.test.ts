import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { figures } from '../src/limits/limit-metrics.js';
import { defaultLimitSettings } from '../src/limits/limit-settings.js';
import { ask, ordinary, type HttpAnswer } from './ask.js';
import { KeepAliveClient } from './keep-alive-client.js';
import { authorization, startOres, type RunningEdge, type RunningOres } from './running-ores.js';

let ores: RunningOres;
let edge: RunningEdge;
/** The edge's log lines of requests. */
const lines: Record<string, unknown>[] = [];

beforeAll(async () => {
  ores = await startOres();
  ores.setOrigins('t1', ['https://app.t1.example']);
  edge = await startEdge();
});

afterAll(async () => ores.stop());

function startEdge(): Promise<RunningEdge> {
  const write = (line: string) => {
    const entry = JSON.parse(line) as Record<string, unknown>;
    if (entry['msg'] === 'request') lines.push(entry);
  };
  const settings = defaultLimitSettings();
  const plan = { keyUnits: 100_000, tenantUnits: 100_000, places: { interactive: 10, bulk: 1, feed: 1 } };
  const plans = new Map(['standard', 'unlimited'].map((name) => [name, plan]));
  const limits = { ...settings, plans: plans.set('poor', { ...plan, keyUnits: 20 }) };
  return ores.startEdge({ limits }, pino({ level: 'info' }, { write }));
}

interface Case {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string;
  tenant?: string;
}

const etag = '"1"';
const cases: [string, Case][] = [
  ['a hit', {}],
  ['HEAD', { method: 'HEAD' }],
  ['a list', { path: '/v1/ores' }],
  ['a list with a query', { path: '/v1/ores?name=none' }],
  ['a current tag', { headers: { 'if-none-match': etag } }],
  ['a current tag with HEAD', { method: 'HEAD', headers: { 'if-none-match': etag } }],
  ['a weak tag', { headers: { 'if-none-match': `W/${etag}` } }],
  ['a tag among others', { headers: { 'if-none-match': `"0", ${etag}` } }],
  ['any tag', { headers: { 'if-none-match': '*' } }],
  ['another tag', { headers: { 'if-none-match': '"0"' } }],
  ['an origin of the tenant', { headers: { origin: 'https://app.t1.example' } }],
  ['a current tag and an origin', { headers: { 'if-none-match': etag, origin: 'https://app.t1.example' } }],
  ['an origin of nobody', { headers: { origin: 'https://nobody.example' } }],
  [
    'an origin and another tenant',
    { headers: { origin: 'https://app.t1.example', authorization: authorization('t2') } },
  ],
  ['a request id', { headers: { 'x-request-id': 'request-77' } }],
  ['a bad request id', { headers: { 'x-request-id': 'bad id' } }],
  ['no-cache', { headers: { 'cache-control': 'no-cache' } }],
  ['no-cache and a list', { path: '/v1/ores?name=x', headers: { 'cache-control': 'no-cache' } }],
  ['no-cache and an encoded query', { path: '/v1/ores?name=%C3%A9+%26', headers: { 'cache-control': 'no-cache' } }],
  ['no-cache and a query twice', { path: '/v1/ores?name=a&name=b', headers: { 'cache-control': 'no-cache' } }],
  ['no-cache and an unknown parameter', { path: '/v1/ores/a?b=c', headers: { 'cache-control': 'no-cache' } }],
  ['no-cache and an encoded path', { path: '/v1/ores/%61', headers: { 'cache-control': 'no-cache' } }],
  ['no-cache and a path with a slash more', { path: '/v1/ores/a/', headers: { 'cache-control': 'no-cache' } }],
  ['no-cache and a record that does not exist', { path: '/v1/ores/no', headers: { 'cache-control': 'no-cache' } }],
  ['no-cache and a long id', { path: `/v1/ores/${'x'.repeat(150)}`, headers: { 'cache-control': 'no-cache' } }],
  ['an unknown token', { headers: { 'rapport-consistency-token': 'unknown' } }],
  ['no credential', { headers: { authorization: '' } }],
  ['a credential that is none', { headers: { authorization: 'Basic x' } }],
  ['no permission', { headers: { authorization: authorization('t1', 'ores.write') } }],
  ['another tenant', { headers: { authorization: authorization('t2') } }],
  ['a body', { headers: { 'content-type': 'application/json' }, body: '{}' }],
  ['a record that does not exist', { path: '/v1/ores/none' }],
  ['a path that no route has', { path: '/v1/nothing' }],
  ['another method', { method: 'DELETE' }],
];

describe('an answer ahead of the router', () => {
  it.each(cases)('to %s equals the router’s', async (_name, request) => {
    // A consistency token is new only once.
    const unknown = (path: string): Record<string, string> =>
      request.headers && 'rapport-consistency-token' in request.headers ? { 'rapport-consistency-token': path } : {};
    const early = { ...request.headers, ...unknown('early') };
    const inRouter = { ...(request.body === undefined && ordinary), ...request.headers, ...unknown('ordinary') };
    expect(await answerOf({ ...request, headers: early })).toEqual(await answerOf({ ...request, headers: inRouter }));
  });

  it('to a request with two hosts is a refusal', async () => {
    await warm('/v1/ores/a');
    const client = new KeepAliveClient(edge.port, authorization('t1'));
    const { status, body } = await client.send('GET', '/v1/ores/a', '', 'Host: b\r\n');
    client.close();
    expect(status).toBe(400);
    expect(body).toContain('There is more than one Host.');
  });

  it('is charged, and refused when the budget is exhausted', async () => {
    const refused: HttpAnswer[] = [];
    for (const more of [{}, ordinary]) {
      const { url } = await startEdge();
      const credential = { authorization: authorization('t3', 'ores.read,ores.write', 'poor') };
      const headers = { ...credential, ...more };
      await ask(`${url}/v1/ores/a`, { method: 'PATCH', headers: credential, body: '{"name":"x"}' });
      let last: HttpAnswer | undefined;
      for (let n = 1; n < 20; n++) last = await ask(`${url}/v1/ores/a`, { headers });
      expect(last).toMatchObject({
        status: 200,
        headers: { ratelimit: expect.stringMatching(/"key";r=0;/) as string },
      });
      const before = figures.charges.refused;
      refused.push(await ask(`${url}/v1/ores/a`, { headers }));
      // A refusal ahead of the router is not charged again in it.
      expect(figures.charges.refused - before).toBe(1);
    }
    expect(refused.map(({ status }) => status)).toEqual([429, 429]);
    expect(refused.map(({ headers }) => headers['retry-after'])).toEqual([expect.any(String), expect.any(String)]);
    const [first, second] = refused.map(comparable);
    expect(first).toEqual(second);
  });

  it('does not pass the router', async () => {
    let routed = 0;
    const count = () => routed++;
    const routedRequests = async (more: Record<string, string>) => {
      routed = 0;
      await ask(`${edge.url}/v1/ores/a`, { headers: { authorization: authorization('t1'), ...more } });
      return routed;
    };
    subscribe('tracing:fastify.request.handler:start', count);
    // Until the credential and the answer are cached.
    await expect.poll(() => routedRequests({})).toBe(0);
    expect(await routedRequests(ordinary)).toBe(1);
    unsubscribe('tracing:fastify.request.handler:start', count);
  });
});

/** The parts of the answer that must be equal, and its log line. */
async function answerOf({ method, path = '/v1/ores/a', headers, body }: Case) {
  await warm(path, headers?.['authorization']);
  // The log line may come after the answer.
  lines.length = 0;
  const answer = await ask(`${edge.url}${path}`, {
    ...(method && { method }),
    headers: { authorization: authorization('t1'), ...headers },
    ...(body !== undefined && { body }),
  });
  const requestId = answer.headers['x-request-id'];
  const own = () => lines.filter((line) => line['requestId'] === requestId);
  await expect.poll(own, { timeout: 10_000 }).toHaveLength(1);
  const { durationMs, time, requestId: _, ...line } = own()[0] ?? {};
  // A logged value, not a measured time.
  expect(durationMs).toBeGreaterThanOrEqual(0);
  expect(time).toBeDefined();
  return { ...comparable(answer), line };
}

/** Caches the answer and the credential, so that no call is needed. */
async function warm(path: string, credential = authorization('t1')): Promise<void> {
  const headers = { authorization: credential };
  if (ores.version('t1', 'a') === 0)
    await ask(`${edge.url}/v1/ores/a`, { method: 'PATCH', headers, body: '{"name":"x"}' });
  await ask(`${edge.url}${path}`, { headers });
}

/** Without the parts that differ by request. */
function comparable({ status, headers, body }: HttpAnswer) {
  const { date, 'x-request-id': requestId = '', ...rest } = headers;
  expect(date).toBeDefined();
  for (const name of ['age', 'cache-status', 'ratelimit', 'retry-after']) {
    if (rest[name] !== undefined) rest[name] = rest[name].replaceAll(/\b\d+/g, 'n');
  }
  return {
    status,
    headers: rest,
    body: body.replaceAll(requestId, 'id').replace(/("retryAfterSeconds":)\d+/, '$1n'),
    hasRequestId: requestId !== '',
  };
}
