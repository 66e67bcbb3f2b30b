import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Peer } from '../../src/connectors/connector.js';
import { cardDavConnector } from '../../src/connectors/carddav/carddav-connector.js';
import { realEnvironment } from './real-environment.js';

let server: Server;
let status: number;
let peer: Peer;
let remove: () => Promise<void>;
const { signal } = new AbortController();

beforeEach(async () => {
  server = createServer((_, answer) => void answer.writeHead(status, { 'retry-after': '7' }).end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const real = await realEnvironment();
  remove = real.remove;
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/book/`;
  peer = cardDavConnector.connect({ url, username: 'ada', password: 'correct horse' }, real.environment);
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await remove();
});

test.each([
  [423, 'UNAVAILABLE'],
  [429, 'RATE_LIMITED'],
  ...[500, 501, 502, 503, 504].map((each) => [each, 'UNAVAILABLE'] as const),
] as const)('a server that answers %i is asked again later, whatever was asked', async (answered, reason) => {
  status = answered;
  const temporary = { reason, retryAfterMs: 7_000 };

  await expect(peer.check(signal)).rejects.toMatchObject(temporary);
  await expect(peer.readOne('contact', 'ada.vcf', signal)).rejects.toMatchObject(temporary);
  const item = { kind: 'DELETE', id: 'ada.vcf', expectedVersion: '"1"' } as const;
  const written = await peer.write({ recordType: 'contact', items: [item], signal });
  expect(written).toEqual([{ kind: 'RETRY_LATER', retryAfterMs: 7_000 }]);
});
