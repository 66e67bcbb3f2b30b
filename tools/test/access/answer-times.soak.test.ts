import {
  isSoak,
  median,
  medianNoise,
  printTally,
  sharedPlatform,
  sizeOf,
  soakTimeoutMs,
  startPlatform,
  type SharedPlatform,
} from '@rapport/testing';
import { expect, inject, it } from 'vitest';
import { ApiClient } from '../api-client.ts';
import { newTrace, ReceivedTraces } from '../received-traces.ts';

/** Ours, and ids of customers of another tenant, which are in every memory that could be quicker. */
async function makeTenants(platform: SharedPlatform): Promise<{ ourApi: ApiClient; theirIds: string[] }> {
  const [us, them] = [await platform.createTenant('Ours'), await platform.createTenant('Theirs')];
  const ourApi = await ApiClient.connect(platform.edgeUrl, us.apiKey);
  const theirApi = await ApiClient.connect(platform.edgeUrl, them.apiKey);
  const items = Array.from({ length: 25 }, () => ({ customer: { kind: 'PERSON', displayName: 'Ada' } }));
  const { body } = await theirApi.send('POST', '/v1/customers:batchCreate', { body: { items } });
  const theirIds = (body as { results: { customer: { id: string } }[] }).results.map(({ customer }) => customer.id);
  for (const id of [...theirIds, ...theirIds]) await theirApi.send('GET', `/v1/customers/${id}`);
  return { ourApi, theirIds };
}

it("another tenant's id and one that is nowhere take the same calls and statements", async () => {
  const { url, tracesFile } = inject('observed');
  const { ourApi, theirIds } = await makeTenants(await sharedPlatform(url));
  const traces = new ReceivedTraces(tracesFile);
  /** What was done for a request once its caller was known: the spans, with all that they say but their ids and times. */
  const workFor = async (id: string): Promise<string> => {
    const client = newTrace();
    expect((await ourApi.send('GET', `/v1/customers/${id}`, client)).status).toBe(404);
    const getCustomer = 'rapport.customers.v1.CustomersService/GetCustomer';
    const spans = await traces.traceWith(client.traceId, 'edge GET /v1/customers/:id', `customers ${getCustomer}`);
    return spans
      .filter(({ process, name }) => process !== 'auth' && !name.startsWith('rapport.auth.'))
      .map(({ process, name, attributes }) => `${process} ${name} ${JSON.stringify(attributes)}`)
      .toSorted()
      .join('\n');
  };

  const [theirs, nowhere] = [new Set<string>(), new Set<string>()];
  for (const id of theirIds.slice(0, 5)) {
    // The second time it might be in a memory.
    for (let time = 0; time < 2; time += 1) theirs.add(await workFor(id));
    const nowhereId = crypto.randomUUID();
    for (let time = 0; time < 2; time += 1) nowhere.add(await workFor(nowhereId));
  }

  expect([...theirs]).toEqual([...nowhere]);
  expect(theirs.size).toBe(1);
  expect([...theirs].join()).toContain('live_customers');
});

if (isSoak) {
  it("another tenant's id takes as long as one that is nowhere", { timeout: soakTimeoutMs }, async () => {
    // One of its own, beside which nothing else runs.
    const platform = await startPlatform();
    try {
      const { ourApi, theirIds } = await makeTenants(platform);
      const nowhereIds = theirIds.map(() => crypto.randomUUID());
      const elapsedMs = async (ids: readonly string[], round: number) => {
        const begin = performance.now();
        expect((await ourApi.send('GET', `/v1/customers/${ids[round % ids.length]}`)).status).toBe(404);
        return performance.now() - begin;
      };
      const [theirs, nowhere]: [number[], number[]] = [[], []];
      const rounds = sizeOf('ANSWER_TIMES_ROUNDS', { short: 0, long: 2_000 });
      for (let round = -50; round < rounds; round += 1) {
        const place = Math.abs(round);
        // Each is first as often as the other.
        const first = place % 2 === 0 ? theirs : nowhere;
        for (const kind of [first, first === theirs ? nowhere : theirs]) {
          const ms = await elapsedMs(kind === theirs ? theirIds : nowhereIds, place);
          if (round >= 0) kind.push(ms);
        }
      }

      const [difference, noise] = [Math.abs(median(theirs) - median(nowhere)), medianNoise(nowhere)];
      printTally('answer times', { rounds, 'median in ms': median(nowhere), 'difference in ms': difference, noise });
      expect(difference).toBeLessThanOrEqual(noise);
    } finally {
      await platform.stop();
    }
  });
}
