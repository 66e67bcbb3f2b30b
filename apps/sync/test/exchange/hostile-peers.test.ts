import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sharedPlatform } from '@rapport/testing';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { restDocument } from '../connectors/rest-document.ts';
import { ExchangeTenant } from './exchange-tenant.ts';

const platform = await sharedPlatform(inject('platformUrl'));
const mebibyte = 1_024 * 1_024;

let server: Server;
let tenant: ExchangeTenant;
/** Answers requests other than PROPFIND and those of the OpenAPI document. */
let answer: (response: ServerResponse, requests: number) => void;
let requests: number;
let endedAnswers: number;

beforeEach(async () => {
  [requests, endedAnswers] = [0, 0];
  server = createServer((request, response) => {
    request.resume();
    if (request.url === '/openapi.json') {
      response.end(JSON.stringify(restDocument({ paging: 'PAGE', method: 'patch', hasEtags: true, isSilent: false })));
    } else if (request.method === 'PROPFIND') response.writeHead(207, { 'content-type': 'text/xml' }).end(bookOf(''));
    else {
      response.once('close', () => (endedAnswers += 1));
      answer(response, (requests += 1));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  tenant = await ExchangeTenant.create(platform);
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function bookOf(more: string): string {
  return `<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav"><d:response><d:href>/book/</d:href><d:propstat>
    <d:prop><d:resourcetype><d:collection/><c:addressbook/></d:resourcetype></d:prop><d:status>HTTP/1.1 200 OK</d:status>
    </d:propstat></d:response>${more}</d:multistatus>`;
}

const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const addressBook = () => tenant.connect('carddav', { url: `${url()}/book/`, username: 'ada' }, { password: 'x' });
const check = (connection: string) => tenant.api.send('POST', `/v1/connections/${connection}:check`);

test.each([
  ['of millions of elements', '<a/>', ''],
  ['of elements in each other', '<a>', ''],
  ['of millions of cards', '<d:response><d:href>/book/', '</d:href></d:response>'],
])('an address book that answers with a listing %s is refused', async (_, start, end) => {
  let count = 0;
  const member = end === '' ? () => start : () => start + String((count += 1)) + end;
  const piece = () => Array.from({ length: 20_000 }, member).join('');
  answer = (response) => {
    response.writeHead(207, { 'content-type': 'text/xml' });
    let text = '<d:multistatus xmlns:d="DAV:">';
    while (text.length < 60 * mebibyte) text += piece();
    response.end(`${text}<d:sync-token>1</d:sync-token></d:multistatus>`);
  };

  expect(await check(await addressBook())).toMatchObject({ status: 409, body: { code: 'PEER_INVALID' } });
});

test('an address book that truncates for ever, with another card and token each time, is refused', async () => {
  const full = '<d:response><d:href>/book/</d:href><d:status>HTTP/1.1 507 Full</d:status></d:response>';
  answer = (response, number) => {
    const card = `<d:response><d:href>/book/${number}</d:href></d:response>`;
    response.writeHead(207, { 'content-type': 'text/xml' });
    response.end(`<d:multistatus xmlns:d="DAV:">${full}${card}<d:sync-token>${number}</d:sync-token></d:multistatus>`);
  };

  expect(await check(await addressBook())).toMatchObject({ status: 503, body: { code: 'PEER_UNAVAILABLE' } });
  expect(requests).toBe(101);
});

test('a service that answers with millions of values is refused', async () => {
  answer = (response) => response.end(`[1${',1'.repeat(7 * mebibyte)}]`);
  const settings = { url: url(), documentUrl: `${url()}/openapi.json`, path: '/people' };
  const connection = await tenant.connect('rest', settings, { bearerToken: 'x' });

  expect(await check(connection)).toMatchObject({ status: 409, body: { code: 'PEER_INVALID' } });
});

test('the oldest answers end when those that are not complete take too much memory together', async () => {
  const most = Buffer.alloc(60 * mebibyte, ' ');
  answer = (response) => void response.writeHead(207, { 'content-type': 'text/xml' }).write(most);
  const connections = await Promise.all(Array.from({ length: 6 }, addressBook));

  const checks = Promise.all(connections.map(check));

  await expect.poll(() => endedAnswers, { timeout: 30_000 }).toBe(4);
  server.closeAllConnections();
  expect((await checks).map(({ status }) => status)).toEqual(Array.from({ length: 6 }, () => 503));
});
