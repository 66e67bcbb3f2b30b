import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { status } from '@grpc/grpc-js';
import { createLogger } from '@rapport/platform';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createHttpServer } from '../src/http/http-server.js';
import { defaultLimitSettings } from '../src/limits/limit-settings.js';
import { answerTo, parseAnswer, type RawAnswer } from './raw-answer.js';
import { authorization, startOres, type RunningEdge, type RunningOres } from './running-ores.js';

const bodyBytes = 12 * 1024 * 1024;

let ores: RunningOres;
let edge: RunningEdge;

beforeAll(async () => {
  ores = await startOres();
  const settings = defaultLimitSettings();
  edge = await ores.startEdge({ limits: { ...settings, places: { interactive: 1, bulk: 1, feed: 1 } } });
});
afterAll(() => ores.stop());

/** As Python's http.client does: sends the whole body, and reads only then. Rejects when the connection breaks before. */
async function sendThenRead(path: string, lines: readonly string[]): Promise<RawAnswer> {
  const socket = connect(edge.port, '127.0.0.1').pause().setEncoding('latin1');
  const broken = once(socket, 'close').then(() => {
    throw new Error('The connection was closed while the body was sent.');
  });
  const head = [`POST ${path} HTTP/1.1`, 'Host: a', `Content-Length: ${bodyBytes}`, ...lines, '', ''].join('\r\n');
  const sent = new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.write(head);
    socket.write(Buffer.alloc(bodyBytes, 'x'), () => resolve());
  });
  await Promise.race([sent, broken]);
  broken.catch(() => undefined);
  let text = '';
  socket.on('data', (data: string) => {
    text += data;
  });
  const closed = once(socket, 'close');
  socket.resume();
  await closed;
  return parseAnswer(text);
}

const json = 'Content-Type: application/json';
const key = `Authorization: ${authorization('t1')}`;

describe('a client that reads only after sending its whole body receives the refusal', () => {
  it.each([
    ['a file without a credential', '/v1/ores:smelt', ['Content-Type: text/csv'], 401, 'CREDENTIAL_MISSING'],
    ['a form that is too large', '/v1/ores', [json, key], 413, 'BODY_TOO_LARGE'],
    ['a body of another type', '/v1/ores', ['Content-Type: text/plain', key], 415, 'CONTENT_TYPE_UNSUPPORTED'],
    ['a path that no route has', '/v1/nothing', [json], 404, 'ROUTE_UNKNOWN'],
    ['a path that can not be decoded', '/v1/ores/%ff', [json], 400, 'VALIDATION_FAILED'],
    ['a path with a segment that is too long', `/v1/ores/${'x'.repeat(300)}`, [json], 405, 'METHOD_NOT_ALLOWED'],
  ])('for %s', async (_name, path, lines, refused, code) => {
    const answer = await sendThenRead(path, lines);

    expect([answer.status, (JSON.parse(answer.body) as { code: string }).code]).toEqual([refused, code]);
    expect(answer.headers['connection']).toBe('close');
  });

  it('for a file that the service refuses', async () => {
    ores.failNext('smeltOres', { code: status.FAILED_PRECONDITION, isDone: false });

    const answer = await sendThenRead('/v1/ores:smelt', ['Content-Type: text/csv', key]);

    expect([answer.status, JSON.parse(answer.body)]).toEqual([409, expect.objectContaining({ code: 'FAILED' })]);
  });
});

it('a refused upload that is still being sent takes no place', async () => {
  ores.stopService();
  const uploading = connect(edge.port, '127.0.0.1');
  uploading.write(`POST /v1/ores:smelt HTTP/1.1\r\nHost: a\r\n${key}\r\nContent-Length: ${bodyBytes}\r\n\r\nx`);
  const [data] = (await once(uploading, 'data')) as [Buffer];
  expect(parseAnswer(String(data))).toMatchObject({ status: 503 });

  // The only place.
  const next = await answerTo(edge.port, `GET /v1/ores/a HTTP/1.1\r\nHost: a\r\n${key}\r\nConnection: close\r\n\r\n`);
  expect(JSON.parse(next.body)).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  expect(uploading.destroyed).toBe(false);
  uploading.destroy();
  await ores.startService();
});

it('a refused request whose body never comes is answered once, and its URL is not logged', async () => {
  const lines: string[] = [];
  const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
  const server = createHttpServer({ logger, trustedProxies: [] });
  server.post('/echo', async () => 'done');
  let awaited = 0;
  // Behind the hook that gives each body its time.
  server.addHook('preParsing', (_request, _reply, payload, done) => {
    awaited += 1;
    done(null, payload);
  });
  await server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = server.server.address() as AddressInfo;
  const post = (length: number) =>
    `POST /echo?secret=1 HTTP/1.1\r\nHost: a\r\n${json}\r\nContent-Length: ${length}\r\n\r\n{`;

  // No loop of an edge waits by these: they only bound calls, and no call of another test runs meanwhile.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const refused = connect(port, '127.0.0.1');
  refused.write(post(5 * 1024 * 1024));
  await once(refused, 'data');
  const late = answerTo(port, post(50));
  // The time for each body, and the time in which what is left of the first is drained.
  await vi.waitUntil(() => awaited === 2 && vi.getTimerCount() >= 3);
  vi.advanceTimersByTime(8_000);
  expect(await late).toMatchObject({ status: 408 });

  expect(lines.filter((line) => line.includes('secret') || line.includes('already sent'))).toEqual([]);
  refused.destroy();
  await server.close();
});

it('a refused upload is answered before its body has arrived', async () => {
  const logger = createLogger('test', 'silent');
  const server = createHttpServer({ logger, trustedProxies: [] });
  server.post('/echo', async () => 'done');
  await server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = server.server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');

  socket.write('POST /echo HTTP/1.1\r\nHost: a b\r\nContent-Length: 100000000\r\n\r\nx');
  const [data] = (await once(socket, 'data')) as [Buffer];

  expect(parseAnswer(String(data))).toMatchObject({ status: 400, headers: { connection: 'close' } });
  socket.destroy();
  await server.close();
});
