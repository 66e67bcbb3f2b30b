import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'vitest';
import type { Neighbour } from './neighbour.ts';
import { refused, type SharedResource } from './shared-resource.ts';

/** Limit of feeds of a tenant at one edge. */
const feedPlaces = 200;

/** The shared resources of the change log and its consumers. */
export const feedResources: SharedResource[] = [
  { name: 'readers of the feed', hold: holdReaders, use: (calm) => calm.send('GET', '/v1/changes?pageSize=1') },
  { name: 'batches of the feed', hold: holdBatches, use: (calm, round) => calm.create(`Beside ${round}`) },
  { name: 'turns of webhooks', hold: holdTurns, use: deliverOne },
];

async function holdReaders(hostile: Neighbour): Promise<() => Promise<unknown>> {
  const end = new AbortController();
  const { signal } = end;
  const read = async () => {
    while (!signal.aborted) await (await hostile.send('GET', '/v1/changes?waitSeconds=30', { signal })).arrayBuffer();
  };
  const readers = Array.from({ length: feedPlaces }, read);
  for (const each of readers) each.catch(() => undefined);
  await refused(() => hostile.send('GET', '/v1/changes?waitSeconds=1'), 'TOO_MANY_CONCURRENT');
  return () => {
    end.abort();
    return Promise.allSettled(readers);
  };
}

/** Changes many long records in a loop. */
async function holdBatches(hostile: Neighbour): Promise<() => Promise<unknown>> {
  const receiver = await Receiver.start(() => true);
  await hostile.json('POST', '/v1/webhookEndpoints', { url: receiver.url, eventTypes: ['customer.*'] });
  const tags = Array.from({ length: 40 }, (_, index) => `${'x'.repeat(40)}${index}`);
  const items = Array.from({ length: 100 }, (_, index) => ({
    customer: { kind: 'PERSON', displayName: `Long ${index}`, tags },
  }));
  type Made = { results: { customer: { id: string } }[] };
  const { results } = await hostile.json<Made>('POST', '/v1/customers:batchCreate', { items });
  let isOver = false;
  const write = async () => {
    for (let round = 0; !isOver; round += 1) {
      const jobTitle = `Round ${round}`;
      const updates = results.map(({ customer: { id } }) => ({ id, customer: { jobTitle }, updateMask: ['jobTitle'] }));
      const answer = await hostile.send('POST', '/v1/customers:batchUpdate', { body: { items: updates } });
      const body = await answer.text();
      // Only requests beyond its rate may be refused.
      if (!answer.ok && answer.status !== 429) throw new Error(`${answer.status} ${body}`);
    }
  };
  const writing = write();
  writing.catch(() => undefined);
  await expect.poll(() => receiver.count).toBeGreaterThan(results.length);
  return async () => {
    isOver = true;
    await writing;
    await receiver.stop();
  };
}

/** Fills all slots of concurrent deliveries with an endpoint that never answers. */
async function holdTurns(hostile: Neighbour): Promise<() => Promise<unknown>> {
  const receiver = await Receiver.start(() => false);
  for (let endpoint = 0; endpoint < 4; endpoint += 1)
    await hostile.json('POST', '/v1/webhookEndpoints', { url: receiver.url, eventTypes: ['customer.*'] });
  for (let index = 0; index < 40; index += 1) await (await hostile.create(`Held ${index}`)).text();
  await expect.poll(() => receiver.count).toBeGreaterThanOrEqual(16);
  return () => receiver.stop();
}

const endpoints = new WeakMap<Neighbour, { id: string; receiver: Receiver }>();

/** Triggers an event, and waits until it arrives. */
async function deliverOne(calm: Neighbour): Promise<Response> {
  let endpoint = endpoints.get(calm);
  if (!endpoint) {
    const receiver = await Receiver.start(() => true);
    const body = { url: receiver.url, eventTypes: ['customer.deleted'] };
    const { id } = await calm.json<{ id: string }>('POST', '/v1/webhookEndpoints', body);
    endpoint = { id, receiver };
    endpoints.set(calm, endpoint);
  }
  const { id, receiver } = endpoint;
  const arrived = receiver.next();
  const answer = await calm.send('POST', `/v1/webhookEndpoints/${id}:test`);
  if (answer.ok) await arrived;
  return answer;
}

/** A webhook endpoint that answers 204, or never answers. It does not keep the test process alive. */
class Receiver {
  readonly #server;
  readonly #takes: () => boolean;
  count = 0;

  private constructor(takes: () => boolean) {
    this.#takes = takes;
    this.#server = createServer((request, response) => this.#take(request.resume(), response)).unref();
  }

  static async start(takes: () => boolean): Promise<Receiver> {
    const receiver = new Receiver(takes);
    receiver.#server.listen(0, '127.0.0.1');
    await once(receiver.#server, 'listening');
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  /** Resolves when the next event comes. */
  async next(): Promise<void> {
    await once(this.#server, 'request');
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  #take(request: NodeJS.ReadableStream, response: ServerResponse): void {
    request.once('end', () => {
      this.count += 1;
      if (this.#takes()) response.writeHead(204).end();
    });
  }
}
