import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sendWhole } from '../src/http/bounded-server.js';

let server: Server;
let port: number;

/** Answers as the path requests: by `sendWhole`, or by node:http itself. */
beforeAll(async () => {
  server = createServer((request, response) => {
    const [, by, size = '', status] = request.url?.split('/') ?? [];
    if (status === 'closing') response.shouldKeepAlive = false;
    const content = size === '304' ? undefined : contentOf(Number(size));
    const date = 'Thu, 01 Jan 1970 00:00:00 GMT';
    const length = content === undefined ? [] : ['content-length', String(content.length)];
    const lines = [...length, 'etag', '"1"', 'date', date];
    const code = content === undefined ? 304 : 200;
    if (by === 'node') return void response.writeHead(code, lines).end(content, 'latin1');
    const pairs = Array.from({ length: lines.length / 2 }, (_, n) => `${lines[2 * n]}: ${lines[2 * n + 1]}\r\n`);
    sendWhole(response, code, pairs.join(''), content);
  });
  server.keepAliveTimeout = 72_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => server.close());

function contentOf(size: number): string | Buffer {
  return size > 1_000 ? Buffer.alloc(size, 'é', 'latin1') : 'é'.repeat(size);
}

/** The whole answer to the sent text, until the server or this end closes the connection. */
async function talk(bytes: string, isClosedByUs: boolean): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1');
  socket.write(bytes);
  if (isClosedByUs) socket.end();
  // Node spells its own header names differently.
  return (await text(socket)).replaceAll(/^(?:Connection|Keep-Alive):/gm, (name) => name.toLowerCase());
}

const get = (by: string, path: string, version = '1.1', lines: string[] = [], method = 'GET') =>
  [`${method} /${by}${path} HTTP/${version}`, 'Host: a', ...lines, '', ''].join('\r\n');

it.each<[string, (by: string) => string, boolean]>([
  ['a request', (by) => get(by, '/10'), true],
  ['one for a large answer', (by) => get(by, '/300000'), true],
  ['one for an empty answer', (by) => get(by, '/0'), true],
  ['HEAD', (by) => get(by, '/10', '1.1', [], 'HEAD'), true],
  ['a client that has the answer', (by) => get(by, '/304'), true],
  ['a client that closes', (by) => get(by, '/10', '1.1', ['Connection: close']), false],
  ['a connection that the server ends', (by) => get(by, '/10/closing'), false],
  ['HTTP/1.0', (by) => get(by, '/10', '1.0'), false],
  ['HTTP/1.0 with a connection that is kept', (by) => get(by, '/10', '1.0', ['Connection: keep-alive']), true],
  ['HTTP/1.0 without content', (by) => get(by, '/304', '1.0', ['Connection: keep-alive']), false],
  ['requests in one piece', (by) => get(by, '/10') + get(by, '/300000') + get(by, '/304') + get(by, '/10'), true],
])('%s gets the bytes that node:http would send', async (_name, request, isClosedByUs) => {
  const own = await talk(request('own'), isClosedByUs);
  expect(own).toBe(await talk(request('node'), isClosedByUs));
  expect(own).toMatch(/^HTTP\/1\.1 (?:200|304) /);
});
