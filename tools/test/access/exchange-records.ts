import type { SharedPlatform } from '@rapport/testing';
import { vi } from 'vitest';
import { addExchange, addPeopleFile } from './add-exchange.ts';
import { newMarker, once, oncePerKey } from './markers.ts';

interface Calls {
  platform: SharedPlatform;
  create: (path: string, body?: object) => Promise<string>;
  remove: (collection: string, id: string) => Promise<string>;
  tenantId: () => Promise<string>;
}

/** The mailbox of a tenant's messages: a tenant has fewer relays than the access matrix makes messages. */
const mailboxOfMessages = oncePerKey<string>();

/** Creates webhook endpoints, connections, mappings, and what an exchange leaves, named by `marker`. */
export function exchangeRecords({ platform, create, remove, tenantId }: Calls, marker: string) {
  const makeEndpoint = () =>
    create('/v1/webhookEndpoints', {
      url: 'https://hooks.example',
      eventTypes: ['merge.updated'],
      description: marker,
    });
  const endpoint = once(makeEndpoint);
  const peopleFile = once(async () => addPeopleFile(platform, await tenantId()));
  const makeConnection = async () => {
    await peopleFile();
    const settings = { file: 'people.vcf', format: 'VCARD' };
    return create('/v1/connections', { connector: 'file', displayName: marker, settings });
  };
  const connection = once(makeConnection);
  const makeMailbox = async () => {
    const mailbox = { address: `${newMarker()}@mail.example`, displayName: marker, kind: 'API' };
    const id = await create('/v1/mailboxes', mailbox);
    // Customers hears of the mailbox a moment later.
    const queue = { key: newMarker(), name: marker, mailboxIds: [id] };
    await vi.waitFor(() => create('/v1/queues?validateOnly=true', queue), { timeout: 20_000, interval: 200 });
    return id;
  };
  const makeRelay = () => create('/v1/relays', { name: marker, host: 'smtp.mail.example' });
  const makeLimit = () => create('/v1/deliveryLimits', { match: `${newMarker()}.example`, connections: 1 });
  const makeSender = async () => {
    const relayId = await makeRelay();
    return create('/v1/mailboxes', { address: `${newMarker()}@mail.example`, kind: 'SEND_ONLY', relayId });
  };
  const makeMessage = async () => {
    const mailboxId = await mailboxOfMessages(await tenantId(), makeSender);
    const message = { mailboxId, to: [`${newMarker()}@mail.example`], subject: marker, text: marker };
    // Customers hears of the mailbox a moment later.
    const id = await vi.waitFor(() => create('/v1/messages:send', message), { timeout: 20_000, interval: 200 });
    // Attempts to send it would change it again and again. Amid an attempt it cannot be cancelled.
    return vi.waitFor(() => create(`/v1/messages/${id}:cancel`), { timeout: 20_000, interval: 200 });
  };
  const makeMapping = async () =>
    create('/v1/mappings', {
      ...{ connectionId: await connection(), recordType: 'record', customerKind: 'PERSON', direction: 'TO_CUSTOMERS' },
      ...{ state: 'PAUSED', fields: [{ customerField: 'displayName', peerField: 'displayName' }] },
    });
  const mapping = once(makeMapping);
  const exchange = once(async () => addExchange(platform, await tenantId(), await mapping()));

  const living = {
    webhookEndpoints: endpoint,
    webhookDeliveries: async () => create(`/v1/webhookEndpoints/${await endpoint()}:test`),
    connections: connection,
    mailboxes: once(makeMailbox),
    messages: once(makeMessage),
    relays: once(makeRelay),
    deliveryLimits: once(makeLimit),
    hooks: async () => (await exchange()).hookId,
    mappings: mapping,
    syncRuns: async () => (await exchange()).runId,
    syncConflicts: async () => (await exchange()).conflictId,
  };
  const deleted = {
    webhookEndpoints: async () => remove('webhookEndpoints', await makeEndpoint()),
    connections: async () => remove('connections', await makeConnection()),
    mailboxes: async () => remove('mailboxes', await makeMailbox()),
    relays: async () => remove('relays', await makeRelay()),
    deliveryLimits: async () => remove('deliveryLimits', await makeLimit()),
    mappings: async () => remove('mappings', await makeMapping()),
  };
  return { living, deleted };
}
