import { createHmac } from 'node:crypto';
import { freePort } from '@rapport/testing';
import type { WebhookDelivery } from '../../src/connectors/connector.js';
import { restConnector } from '../../src/connectors/rest/rest-connector.js';
import type { ConformancePeer } from './conformance-peer.js';
import { realEnvironment } from './real-environment.js';
import type { RestServerOptions } from './rest-document.js';
import { RestServer } from './rest-server.js';

const webhookSecret = `whsec_${Buffer.alloc(24, 'key').toString('base64')}`;

/** A service of its own. @param change of what a connection to it has; undefined leaves a setting out */
export async function createRestPeer(
  options: Partial<RestServerOptions>,
  change: Record<string, unknown> = {},
): Promise<ConformancePeer & { server: RestServer }> {
  const { environment, remove } = await realEnvironment();
  const server = await RestServer.start(options);
  const all = Object.entries({ ...server.configuration, webhookSecret, ...change });
  const inline = { documentUrl: undefined, document: JSON.stringify(server.document) };
  return {
    server,
    connector: restConnector,
    configuration: Object.fromEntries(all.filter(([, value]) => value !== undefined)),
    environment,
    recordType: 'people',
    nameField: 'name',
    add: async (names) => {
      const now = Date.now();
      return names.map((name) => String(server.add({ name }, now)));
    },
    edit: async (id, name) => server.edit(Number(id), { name }),
    remove: async (id) => server.remove(Number(id)),
    names: async () => server.all().map(({ name }) => String(name)),
    fields: (name) => ({ name, email: `${name.toLowerCase().replaceAll(' ', '.')}@example.com` }),
    wrong: [
      { change: { bearerToken: 'wrong horse' }, field: '/bearerToken' },
      { change: { url: `http://127.0.0.1:${await freePort()}/`, ...inline }, field: '/url' },
      { change: { url: 'ftp://127.0.0.1/' }, field: '/url' },
      { change: { documentUrl: `${server.url}/nothing.json` }, field: '/documentUrl' },
      { change: { path: '/nothing' }, field: '/path' },
      { change: { idField: 'nothing' }, field: '/idField' },
      { change: { updatedField: 'nothing', changedSince: 'since={time}' }, field: '/updatedField' },
    ],
    addUnknown: async (id) => server.edit(Number(id), { shoe: 43 }),
    hasUnknown: async (id) => server.stored(Number(id))?.includes('"shoe":43') ?? false,
    limit: async () => {
      server.instead = () => ({ status: 429, headers: { 'retry-after': '7' } });
      return async () => {
        server.instead = undefined;
      };
    },
    deliver: (ids) => signed(JSON.stringify({ recordType: 'people', ids })),
    stop: async () => {
      await server.stop();
      await remove();
    },
  };
}

/** As Standard Webhooks says. */
function signed(text: string): WebhookDelivery {
  const key = Buffer.from(webhookSecret.slice('whsec_'.length), 'base64');
  const [id, timestamp] = ['message-1', String(Math.floor(Date.now() / 1_000))];
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${text}`).digest('base64');
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
  return { headers, body: Buffer.from(text) };
}
