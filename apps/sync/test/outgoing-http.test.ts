import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkedLookup } from '../src/outgoing-http/checked-lookup.js';
import { OutgoingError, OutgoingHttp } from '../src/outgoing-http/outgoing-http.js';
import { Receiver } from './receiver.ts';

let receiver: Receiver;

beforeEach(async () => {
  receiver = await Receiver.start();
});
afterEach(async () => receiver.stop());

function post(http: OutgoingHttp, url: string, timeoutMs = 1_000) {
  return http.post({ url, headers: { 'content-type': 'application/json' }, body: Buffer.from('{}'), timeoutMs });
}

const spellings = [
  'https://127.0.0.1:PORT/',
  'https://127.1:PORT/',
  'https://2130706433:PORT/',
  'https://0x7f000001:PORT/',
  'https://0x7f.0.0.1:PORT/',
  'https://0177.0.0.1:PORT/',
  'https://017700000001:PORT/',
  'https://127.0.0.1.:PORT/',
  'https://①②⑦.⓪.⓪.①:PORT/',
  'https://0:PORT/',
  'https://0.0.0.0:PORT/',
  'https://[::1]:PORT/',
  'https://[::]:PORT/',
  'https://[::ffff:127.0.0.1]:PORT/',
  'https://[0:0:0:0:0:ffff:7f00:1]:PORT/',
  'https://[64:ff9b::127.0.0.1]:PORT/',
  'https://localhost:PORT/',
  'https://localhost.:PORT/',
  'https://example.com@127.0.0.1:PORT/',
  'https://user:password@localhost:PORT/',
  'http://127.0.0.1:PORT/',
];

test.each(spellings)('%s is refused without a connection', async (spelling) => {
  const http = new OutgoingHttp();

  await expect(post(http, spelling.replace('PORT', String(receiver.port)))).rejects.toThrow(OutgoingError);

  expect(receiver.connections).toBe(0);
});

test('a name with one private address is refused without a connection', async () => {
  const http = new OutgoingHttp([], async () => ['8.8.8.8', '127.0.0.1']);

  await expect(post(http, `https://hooks.example:${receiver.port}/`)).rejects.toMatchObject({
    reason: 'ADDRESS_NOT_ALLOWED',
  });

  expect(receiver.connections).toBe(0);
});

test('a name whose addresses change is resolved each time, and one that has become private is not connected to', async () => {
  const answers = [['8.8.8.8'], ['127.0.0.1'], ['::1']];
  let lookups = 0;
  const resolve = async () => answers[lookups++]!;
  // What `connect` gets is what it connects to: there is no second lookup in between.
  const lookUp = (name: string) =>
    new Promise((found, failed) => {
      checkedLookup(new Set(), resolve)(name, { all: true }, (error, addresses) =>
        error ? failed(error) : found(addresses),
      );
    });
  const http = new OutgoingHttp([], resolve);

  expect(await lookUp('hooks.example')).toEqual([{ address: '8.8.8.8', family: 4 }]);
  for (const _ of [1, 2]) {
    const call = post(http, `https://hooks.example:${receiver.port}/`);
    await expect(call).rejects.toMatchObject({ reason: 'ADDRESS_NOT_ALLOWED' });
  }

  expect(lookups).toBe(3);
  expect(receiver.connections).toBe(0);
});

test('a redirect is an answer like others, and nobody goes where it leads', async () => {
  const inner = await Receiver.start();
  const http = new OutgoingHttp(['127.0.0.1']);
  receiver.behave = () => ({ status: 307, headers: { location: inner.url } });

  expect(await post(http, receiver.url)).toMatchObject({ status: 307 });

  expect([receiver.connections, inner.connections]).toEqual([1, 0]);
  await inner.stop();
});

test('an answer that does not end is cut off', async () => {
  const flood = await answerBy((write) => {
    const more = () => write('x'.repeat(16_384)) && setImmediate(more);
    more();
  });
  const http = new OutgoingHttp(['127.0.0.1']);

  expect(await post(http, urlOf(flood))).toMatchObject({ status: 200 });

  flood.close();
});

test('an answer that comes too slowly is a failure, whatever has come of it', async () => {
  const slow = await answerBy((write) => void write('x'));
  const http = new OutgoingHttp(['127.0.0.1']);

  await expect(post(http, urlOf(slow), 300)).rejects.toMatchObject({ reason: 'TIMEOUT' });

  slow.close();
});

test('a connection is used again', async () => {
  const http = new OutgoingHttp(['127.0.0.1']);

  await post(http, receiver.url);
  await post(http, receiver.url);

  expect(receiver.connections).toBe(1);
});

/** A server that answers each request with the head of an answer without an end, and what `send` writes. */
async function answerBy(send: (write: (text: string) => boolean) => void): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      send((text) => !socket.destroyed && (socket.write(text), true));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}
