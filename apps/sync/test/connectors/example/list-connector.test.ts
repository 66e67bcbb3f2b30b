import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { freePort } from '@rapport/testing';
import { expect, test } from 'vitest';
import type { ConformancePeer } from '../conformance-peer.js';
import { describeConformance } from '../conformance.js';
import { realEnvironment } from '../real-environment.js';
import { listConnector } from './list-connector.js';

async function createListPeer(): Promise<ConformancePeer> {
  const people = new Map<string, string>();
  const server = createServer((_, answer) =>
    answer.end(JSON.stringify([...people].map(([id, name]) => ({ id, name })))),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { environment, remove } = await realEnvironment();
  return {
    connector: listConnector,
    configuration: { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/people` },
    environment,
    recordType: 'person',
    nameField: 'name',
    add: async (names) => names.map((name) => (people.set(`id of ${name}`, name), `id of ${name}`)),
    edit: async (id, name) => void people.set(id, name),
    remove: async (id) => void people.delete(id),
    names: async () => [...people.values()],
    fields: (name) => ({ name }),
    wrong: [
      { change: { url: 'people' }, field: '/url' },
      { change: { url: `http://127.0.0.1:${await freePort()}/` }, field: '/url' },
    ],
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await remove();
    },
  };
}

describeConformance('the example of docs/connectors.md', createListPeer, [
  ...(['create', 'update', 'delete', 'preconditions', 'incremental', 'webhooks', 'limit'] as const),
]);

test('docs/connectors.md shows the example as it is', async () => {
  const example = await readFile(join(import.meta.dirname, 'list-connector.ts'), 'utf8');
  const shown = await readFile(join(import.meta.dirname, '../../../../../docs/connectors.md'), 'utf8');
  expect(shown).toContain(example.slice(example.indexOf('const description')));
});
