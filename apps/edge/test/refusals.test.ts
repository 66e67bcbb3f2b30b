import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultLimitSettings } from '../src/limits/limit-settings.js';
import { startRedirectServer } from '../src/http/redirect-server.js';
import { apiHeaders, pageHeaders } from '../src/http/security-headers.js';
import { answerTo, parseAnswer, type RawAnswer } from './raw-answer.js';
import { authorization, startOres, type RunningEdge, type RunningOres } from './running-ores.js';
import { sharedMinerals, type RunningMinerals } from './running-minerals.js';

let ores: RunningOres;
let minerals: RunningMinerals;
let provider: Server;
let edge: RunningEdge;
/** An edge with tiny budgets and no reachable services. */
let strict: RunningEdge;
let redirect: Server;

beforeAll(async () => {
  // Answers as Koa does on paths without a page.
  provider = createServer(({ url = '' }, response) => {
    if (url.endsWith('/away')) return void response.writeHead(503, { 'retry-after': '1' }).end();
    const isPost = url.endsWith('/sign-in');
    response.writeHead(isPost ? 405 : 404, { 'content-type': 'text/plain', ...(isPost && { allow: 'POST' }) });
    response.end(isPost ? 'Method Not Allowed' : 'Not Found');
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  const authHttpAddress = `127.0.0.1:${(provider.address() as AddressInfo).port}`;
  const publicUrl = 'https://crm.example.com';
  [ores, minerals] = await Promise.all([startOres(), sharedMinerals()]);
  const unreachable = '127.0.0.1:1';
  const limits = { ...defaultLimitSettings(), failedAuthentications: 1, anonymousUnits: 1 };
  [edge, strict, redirect] = await Promise.all([
    ores.startEdge({ authHttpAddress, publicUrl }),
    ores.startEdge({
      limits,
      authHttpAddress: unreachable,
      publicUrl,
      addresses: new Map(['sample', 'auth'].map((area) => [area, unreachable])),
    }),
    startRedirectServer(0, '127.0.0.1', publicUrl),
  ]);
});
afterAll(async () => {
  await ores.stop();
  redirect.close();
  provider.close();
});

function expectProblem(answer: RawAnswer, wanted: number, code: string, securityHeaders = apiHeaders(false)): void {
  const { status, headers, body } = answer;
  const problem = JSON.parse(body) as Record<string, unknown>;
  expect([status, problem['code'], problem['status']]).toEqual([wanted, code, wanted]);
  expect(headers).toMatchObject({
    ...securityHeaders,
    'content-type': 'application/problem+json; charset=utf-8',
    'x-request-id': problem['requestId'],
    'content-length': String(Buffer.byteLength(body)),
  });
  expect(headers['x-request-id']).toMatch(/^[\w.-]{8,64}$/);
  expect(Object.keys(problem)).toEqual(expect.arrayContaining(['type', 'title', 'detail']));
}

/** One request, after which the connection ends. */
function request(line: string, lines: readonly string[] = ['Host: a'], body = ''): string {
  return [`${line} HTTP/1.1`, ...lines, 'Connection: close', '', body].join('\r\n');
}

const key = `Authorization: ${authorization('t1')}`;
const json = 'Content-Type: application/json';
const malformed = [400, 'REQUEST_MALFORMED'] as const;
const unsupported = [415, 'CONTENT_TYPE_UNSUPPORTED'] as const;
const post = (lines: string[], body = '{}') =>
  request('POST /v1/ores', ['Host: a', key, `Content-Length: ${body.length}`, ...lines], body);

const cases: [name: string, bytes: string, status: number, code: string][] = [
  ['a URL beyond 16 KiB', request(`GET /${'x'.repeat(20_000)}`), 431, 'HEADERS_TOO_LARGE'],
  ['headers beyond 16 KiB', request('GET /livez', ['Host: a', `X: ${'x'.repeat(20_000)}`]), 431, 'HEADERS_TOO_LARGE'],
  ['a body of two lengths', post(['Transfer-Encoding: chunked']), ...malformed],
  [
    'a chunk without a length',
    request('POST /v1/ores', ['Host: a', 'Transfer-Encoding: chunked'], 'zz\r\n'),
    ...malformed,
  ],
  ['a NUL in a header', request('GET /livez', ['Host: a', 'X: a\0b']), ...malformed],
  ['lines that end by LF', 'GET /livez HTTP/1.1\nHost: a\n\n', ...malformed],
  ['an unknown method', request('BREW /pot'), ...malformed],
  ['an unknown version', 'GET /livez HTTP/1.9\r\nHost: a\r\n\r\n', ...malformed],
  ['bytes of TLS', '\x16\x03\x01 hello\r\n\r\n', ...malformed],
  ['no Host', request('GET /livez', []), ...malformed],
  ['an empty Host', request('GET /livez', ['Host:']), ...malformed],
  ['an invalid Host', request('GET /livez', ['Host: a b']), ...malformed],
  ['two Hosts', request('GET /livez', ['Host: a', 'Host: b']), ...malformed],
  ['two credentials', request('GET /v1/ores', ['Host: a', key, key]), ...malformed],
  ['two idempotency keys', post([json, 'Idempotency-Key: 1', 'idempotency-key: 2']), ...malformed],
  ['two content types', post([json, 'Content-Type: text/plain']), ...malformed],
  ['another expectation', request('GET /livez', ['Host: a', 'Expect: 999']), 417, 'EXPECTATION_FAILED'],
  ['a URL that can not be read', request('GET /v1/ores/%zz'), 400, 'VALIDATION_FAILED'],
  ['a path without a route', request('GET /v1/nothing'), 404, 'ROUTE_UNKNOWN'],
  ['a verb without a route', request('POST /v1/ores/a:melt'), 404, 'ROUTE_UNKNOWN'],
  ['CONNECT', request('CONNECT example.com:443'), 501, 'METHOD_UNKNOWN'],
  ['no credential', request('GET /v1/ores'), 401, 'CREDENTIAL_MISSING'],
  [
    'a credential without the permission',
    request('GET /v1/ores', ['Host: a', `Authorization: ${authorization('t1', 'ores.write')}`]),
    403,
    'PERMISSION_MISSING',
  ],
  ['a record that does not exist', request('GET /v1/ores/none', ['Host: a', key]), 404, 'ORE_NOT_FOUND'],
  ['a body of another type', post(['Content-Type: text/plain']), ...unsupported],
  ['a body that is compressed', post([json, 'Content-Encoding: gzip']), ...unsupported],
  ['JSON in UTF-16', post([`${json}; charset=utf-16`]), ...unsupported],
  ['JSON in a charset in quotes', post([`${json}; charset="iso-8859-1"`]), ...unsupported],
  ['a body that is too large', post([json], 'x'.repeat(4 * 1024 * 1024 + 1)), 413, 'BODY_TOO_LARGE'],
  ['invalid JSON', post([json], '{'), ...malformed],
  ['a page that the provider lacks', request('GET /oauth/interactions/%2e%2e/x'), 404, 'ROUTE_UNKNOWN'],
  ['a provider that is down', request('GET /oauth/authorize/away'), 503, 'SERVICE_UNAVAILABLE'],
];

describe('a refusal is a problem with a request id and security headers', () => {
  it.each(cases)('for %s', async (_name, bytes, status, code) => {
    const isPage = bytes.includes(' /oauth/');
    expectProblem(await answerTo(edge.port, bytes), status, code, isPage ? pageHeaders(false) : undefined);
  });

  it('for headers that never end', { timeout: 20_000 }, async () => {
    expectProblem(await answerTo(edge.port, 'GET /livez HTTP/1.1\r\nHost: a\r\n'), 408, 'REQUEST_TIMEOUT');
  });

  it('for an exceeded limit and an unreachable service', async () => {
    const bearer = (name: string) => [`Host: a`, `Authorization: ${authorization('t1', 'ores.read', name)}`];
    const token = request('POST /oauth/token', ['Host: a', 'Content-Type: application/x-www-form-urlencoded']);

    expectProblem(await answerTo(strict.port, token), 503, 'SERVICE_UNAVAILABLE', pageHeaders(false));
    const limited = await answerTo(strict.port, request('GET /nothing'));
    expectProblem(limited, 429, 'RATE_LIMITED');
    expect(Number(limited.headers['retry-after'])).toBeGreaterThan(0);
    expectProblem(await answerTo(strict.port, request('GET /v1/ores', bearer('a'))), 503, 'SERVICE_UNAVAILABLE');
  });

  it('for a request that comes while the edge closes', async () => {
    const closing = await ores.startEdge();
    const socket = connect(closing.port, '127.0.0.1').setEncoding('latin1');
    const body = '{"name":"x"}';
    const first = ['PATCH /v1/ores/a HTTP/1.1', 'Host: a', key, json, `Content-Length: ${body.length}`, '', ''];
    socket.write(first.join('\r\n'));
    await once(socket, 'connect');
    await expect.poll(() => answerTo(closing.port, request('GET /livez')).then(({ status }) => status)).toBe(200);
    const closed = closing.edge.app.close();
    const isRefused = () =>
      answerTo(closing.port, request('GET /livez')).then(
        () => false,
        () => true,
      );
    await expect.poll(isRefused).toBe(true);

    socket.write(body + request('GET /livez'));
    let text = '';
    for await (const data of socket) text += String(data);
    await closed;

    const second = text.lastIndexOf('HTTP/1.1 ');
    expect(parseAnswer(text.slice(0, second))).toMatchObject({ status: 200 });
    expectProblem(parseAnswer(text.slice(second)), 503, 'SERVICE_UNAVAILABLE');
  });

  it('on the port that redirects', async () => {
    const { port } = redirect.address() as AddressInfo;

    expectProblem(await answerTo(port, request('GET http://evil.example/')), ...malformed);
    expectProblem(await answerTo(port, request('BREW /pot')), ...malformed);
    expectProblem(await answerTo(port, request(`GET /${'x'.repeat(20_000)}`)), 431, 'HEADERS_TOO_LARGE');
    expect(await answerTo(port, request('GET /docs', []))).toMatchObject({ status: 308 });
    expect(await answerTo(port, request('GET /docs', ['Host: a', 'Expect: 999']))).toMatchObject({ status: 308 });
  });
});

describe('an unsupported method is refused with the supported ones', () => {
  it.each([
    ['DELETE', '/v1/ores/a', 'GET, HEAD, PATCH'],
    ['PUT', '/v1/ores', 'GET, HEAD, POST'],
    ['OPTIONS', '/v1/ores', 'GET, HEAD, POST'],
    ['TRACE', '/v1/ores', 'GET, HEAD, POST'],
    ['QUERY', '/v1/ores', 'GET, HEAD, POST'],
    ['PROPFIND', '/v1/ores?name=x', 'GET, HEAD, POST'],
    ['GET', '/v1/ores:smelt', 'POST'],
    ['POST', '/v1/ores/a:glance', 'GET, HEAD'],
    ['POST', '/docs', 'GET, HEAD'],
    ['GET', '/oauth/token', 'POST'],
    ['GET', '/oauth/interactions/1/sign-in', 'POST'],
  ])('for %s %s', async (method, path, allow) => {
    const answer = await answerTo(edge.port, request(`${method} ${path}`));
    // The provider refuses the last one itself.
    const headers = path.includes('/interactions/') ? pageHeaders(false) : undefined;
    expectProblem(answer, 405, 'METHOD_NOT_ALLOWED', headers);
    expect(answer.headers['allow']).toBe(allow);
  });
});

it('a parser error never adds a refusal to a response that has begun', async () => {
  const { port } = new URL(minerals.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write('GET /v1/minerals/m1:export?pieces=400&watcher=garbled HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'readable');
  expect(await minerals.untilAtRest('garbled')).toBeLessThan(400);

  socket.write('BREW /pot HTTP/1.1\r\n\r\n');
  let text = '';
  socket.setEncoding('latin1').on('data', (data: string) => {
    text += data;
  });
  await once(socket, 'close');

  expect(text.match(/HTTP\/1\.1 \d{3}/g)).toEqual(['HTTP/1.1 200']);
});
