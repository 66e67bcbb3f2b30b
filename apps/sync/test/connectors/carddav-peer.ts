import { randomUUID } from 'node:crypto';
import { createServer, request } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { freePort } from '@rapport/testing';
import { cardDavConnector } from '../../src/connectors/carddav/carddav-connector.js';
import type { ConformancePeer } from './conformance-peer.js';
import type { Radicale } from './peers/radicale.js';
import { realEnvironment } from './real-environment.js';

/** An address book of its own on Radicale, behind a proxy that can limit requests. */
export async function createCardDavPeer(radicale: Radicale): Promise<ConformancePeer & { book: string }> {
  const name = `book-${randomUUID()}`;
  const book = await radicale.createAddressBook(name);
  const { environment, remove } = await realEnvironment();
  const proxy = await startProxy(radicale.url);
  const put = async (id: string, card: string) => {
    const answer = await radicale.request('PUT', book + id, card, { 'content-type': 'text/vcard' });
    if (!answer.ok) throw new Error(`PUT answered ${answer.status}: ${await answer.text()}`);
  };
  const get = async (id: string) => (await radicale.request('GET', book + id)).text();
  return {
    connector: cardDavConnector,
    configuration: { url: proxy.url, username: radicale.username, password: radicale.password, addressBook: name },
    environment,
    recordType: 'contact',
    nameField: 'displayName',
    book,
    add: async (names) => {
      const cards = names.map((own) => ({ id: `${randomUUID()}.vcf`, own }));
      for (const { id, own } of cards) await put(id, card(id, own));
      return cards.map(({ id }) => id);
    },
    edit: async (id, own) => put(id, (await get(id)).replace(/^FN:.*$/m, `FN:${own}`)),
    remove: async (id) => void (await radicale.request('DELETE', book + id)),
    names: async () => {
      const text = await (await radicale.request('GET', book)).text();
      return [...text.matchAll(/^FN:(.*?)\r?$/gm)].map(([, own = '']) => own);
    },
    fields: (own) => ({ displayName: own, emails: [{ address: `${own.replaceAll(' ', '.')}@example.com` }] }),
    wrong: [
      { change: { password: 'wrong password' }, field: '/password' },
      { change: { url: `http://127.0.0.1:${await freePort()}/` }, field: '/url' },
      { change: { url: 'ftp://127.0.0.1/' }, field: '/url' },
      { change: { addressBook: 'nothing' }, field: '/addressBook' },
    ],
    addUnknown: async (id) =>
      put(id, (await get(id)).replace('END:VCARD', 'item7.X-SHOE-SIZE;X-UNIT=EU:43\r\nEND:VCARD')),
    hasUnknown: async (id) => /^item7\.X-SHOE-SIZE;X-UNIT=EU:43\r?$/im.test(await get(id)),
    limit: async () => {
      proxy.setLimited(true);
      return async () => proxy.setLimited(false);
    },
    stop: async () => {
      await proxy.stop();
      await radicale.request('DELETE', book);
      await remove();
    },
  };
}

function card(id: string, name: string): string {
  return ['BEGIN:VCARD', 'VERSION:3.0', `UID:${id}`, `FN:${name}`, `N:${name};;;;`, 'END:VCARD', ''].join('\r\n');
}

/** A proxy that limits the requests of users. */
async function startProxy(target: string) {
  let limited = false;
  const server = createServer((incoming, answer) => {
    if (limited) {
      answer.writeHead(429, { 'retry-after': '7' }).end();
      return;
    }
    const outgoing = request(new URL(incoming.url ?? '/', target), {
      method: incoming.method,
      headers: incoming.headers,
    });
    outgoing.on('response', (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    outgoing.on('error', () => answer.destroy());
    incoming.pipe(outgoing);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    setLimited: (value: boolean) => {
      limited = value;
    },
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
