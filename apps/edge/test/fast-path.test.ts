import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { figures } from '../src/limits/limit-metrics.js';
import { defaultLimitSettings } from '../src/limits/limit-settings.js';
import { ask, type HttpAnswer } from './ask.js';
import { KeepAliveClient } from './keep-alive-client.js';
import { authorization, startOres, type RunningEdge, type RunningOres } from './running-ores.js';

let ores: RunningOres;
/** One answers from memory ahead of the framework, the other within it. */
let ahead: LoggingEdge;
let ordinary: LoggingEdge;

interface LoggingEdge extends RunningEdge {
  /** The lines that it logged of requests. */
  lines: Record<string, unknown>[];
}

beforeAll(async () => {
  ores = await startOres();
  ores.setOrigins('t1', ['https://app.t1.example']);
  [ahead, ordinary] = await Promise.all([startLogging(true), startLogging(false)]);
});

afterAll(async () => ores.stop());

async function startLogging(answersAhead: boolean): Promise<LoggingEdge> {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => {
    const entry = JSON.parse(line) as Record<string, unknown>;
    if (entry['msg'] === 'request') lines.push(entry);
  };
  const settings = defaultLimitSettings();
  const plan = { keyUnits: 100_000, tenantUnits: 100_000, places: { interactive: 10, bulk: 1, feed: 1 } };
  const plans = new Map(['standard', 'unlimited'].map((name) => [name, plan]));
  const limits = { ...settings, plans: plans.set('poor', { ...plan, keyUnits: 20 }) };
  const running = await ores.startEdge({ answersAhead, limits }, pino({ level: 'info' }, { write }));
  return { ...running, lines };
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

describe('an answer ahead of the framework', () => {
  it.each(cases)('to %s is the ordinary one', async (_name, request) => {
    const [first, second] = await Promise.all([answerOf(ahead, request), answerOf(ordinary, request)]);
    expect(first).toEqual(second);
  });

  it('to a request with two hosts is the ordinary one', async () => {
    const both = [];
    for (const edge of [ahead, ordinary]) {
      await warm(edge, '/v1/ores/a');
      const client = new KeepAliveClient(edge.port, authorization('t1'));
      both.push(await client.send('GET', '/v1/ores/a', '', 'Host: b\r\n'));
      client.close();
    }
    expect(both.map(({ status }) => status)).toEqual([400, 400]);
    expect(both[0]?.body).toContain('There is more than one Host.');
  });

  it('is charged for, and refused when the budget is used up', async () => {
    const refused: HttpAnswer[] = [];
    for (const edge of [ahead, ordinary]) {
      const headers = { authorization: authorization('t3', 'ores.read,ores.write', 'poor') };
      await ask(`${edge.url}/v1/ores/a`, { method: 'PATCH', headers, body: '{"name":"x"}' });
      let last: HttpAnswer | undefined;
      for (let n = 1; n < 20; n++) last = await ask(`${edge.url}/v1/ores/a`, { headers });
      expect(last).toMatchObject({
        status: 200,
        headers: { ratelimit: expect.stringMatching(/"key";r=0;/) as string },
      });
      const before = figures.charges.refused;
      refused.push(await ask(`${edge.url}/v1/ores/a`, { headers }));
      // What was refused ahead is not charged for again on the ordinary path.
      expect(figures.charges.refused - before).toBe(1);
    }
    expect(refused.map(({ status }) => status)).toEqual([429, 429]);
    expect(refused.map(({ headers }) => headers['retry-after'])).toEqual([expect.any(String), expect.any(String)]);
    const [first, second] = refused.map(comparable);
    expect(first).toEqual(second);
  });

  it('comes without the framework having heard of the request', async () => {
    let heard = 0;
    const count = () => heard++;
    const heardOf = async (edge: RunningEdge) => {
      heard = 0;
      await ask(`${edge.url}/v1/ores/a`, { headers: { authorization: authorization('t1') } });
      return heard;
    };
    subscribe('tracing:fastify.request.handler:start', count);
    // Until the credential is known and the answer kept.
    await expect.poll(() => heardOf(ahead)).toBe(0);
    expect(await heardOf(ordinary)).toBe(1);
    unsubscribe('tracing:fastify.request.handler:start', count);
  });
});

/** The answer as far as it must be the same, and the line that was logged of it. */
async function answerOf(edge: LoggingEdge, { method, path = '/v1/ores/a', headers, body }: Case) {
  await warm(edge, path, headers?.['authorization']);
  edge.lines.length = 0;
  const answer = await ask(`${edge.url}${path}`, {
    ...(method && { method }),
    headers: { authorization: authorization('t1'), ...headers },
    ...(body !== undefined && { body }),
  });
  await expect.poll(() => edge.lines, { timeout: 10_000 }).toHaveLength(1);
  const { durationMs, time, requestId, ...line } = edge.lines[0] ?? {};
  // A value that is told, not a time that is measured.
  expect(durationMs).toBeGreaterThanOrEqual(0);
  expect(time).toBeDefined();
  expect(requestId).toBe(answer.headers['x-request-id']);
  return { ...comparable(answer), line };
}

/** Makes the answer kept and the credential known, so that nothing has to be asked. */
async function warm(edge: LoggingEdge, path: string, credential = authorization('t1')): Promise<void> {
  const headers = { authorization: credential };
  if (ores.version('t1', 'a') === 0)
    await ask(`${edge.url}/v1/ores/a`, { method: 'PATCH', headers, body: '{"name":"x"}' });
  await ask(`${edge.url}${path}`, { headers });
}

/** Without what differs from one request to the next. */
function comparable({ status, headers, body }: HttpAnswer) {
  const { date, 'x-request-id': requestId = '', ratelimit, ...rest } = headers;
  expect(date).toBeDefined();
  return {
    status,
    headers: { ...rest, ...(ratelimit && { ratelimit: ratelimit.replaceAll(/=\d+/g, '=n') }) },
    body: body.replaceAll(requestId, 'id'),
    hasRequestId: requestId !== '',
  };
}
