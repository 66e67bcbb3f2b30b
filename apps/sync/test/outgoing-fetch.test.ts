import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { outgoingFetch, outgoingHost } from '../src/outgoing-http/outgoing-fetch.js';
import { OutgoingHttp } from '../src/outgoing-http/outgoing-http.js';

let server: Server;
let url: string;

beforeEach(async () => {
  server = createServer((request, response) => {
    if (request.url === '/away') return void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
    request.setEncoding('utf8');
    let text = '';
    request.on('data', (piece: string) => (text += piece));
    request.on('end', () => {
      response.writeHead(207, { 'content-type': 'text/plain', etag: '"1"' });
      response.end([request.method, request.headers['depth'], text].join(' '));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => void server.close());

test('gives the whole answer to any method, and follows no redirect', async () => {
  const fetch = outgoingFetch(new OutgoingHttp(['127.0.0.1']));
  const answer = await fetch(`${url}/book/`, { method: 'PROPFIND', headers: { depth: '1' }, body: '<x/>' });

  expect([answer.status, answer.headers.get('etag'), answer.url]).toEqual([207, '"1"', `${url}/book/`]);
  expect(await answer.text()).toBe('PROPFIND 1 <x/>');
  expect((await fetch(`${url}/away`)).status).toBe(302);
});

test.each(['http://127.0.0.1', 'https://10.0.0.1', 'https://[::1]', 'https://2130706433'])(
  'reaches no private address, such as %s',
  async (inner) => {
    await expect(outgoingFetch(new OutgoingHttp([]))(inner)).rejects.toMatchObject({ reason: 'ADDRESS_NOT_ALLOWED' });
  },
);

test('names an address that is not HTTP once, and none within', async () => {
  const { signal } = new AbortController();
  const http = new OutgoingHttp(['localhost'], async (name) =>
    name === 'db.example' ? ['8.8.8.8'] : ['8.8.8.8', '10.0.0.1'],
  );

  expect(await outgoingHost(http, 'localhost', signal)).toMatch(/^(127\.0\.0\.1|::1)$/);
  expect(await outgoingHost(http, 'db.example', signal)).toBe('8.8.8.8');
  for (const host of ['inner.example', '192.168.0.1', '::1'])
    await expect(outgoingHost(http, host, signal)).rejects.toMatchObject({ reason: 'UNAVAILABLE' });
});
