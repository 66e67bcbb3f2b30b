import { isSoak, median, medianNoise, printTally, sharedPlatform, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { beforeAll, expect, inject, it } from 'vitest';
import { ApiClient } from '../api-client.ts';

const samples = sizeOf('ANSWER_TIMES_SAMPLES', { short: 20, long: 500 });

let ourApi: ApiClient;
let theirIds: string[];

beforeAll(async () => {
  const platform = await sharedPlatform(inject('platformUrl'));
  const [us, them] = [await platform.createTenant('Ours'), await platform.createTenant('Theirs')];
  ourApi = await ApiClient.connect(platform.edgeUrl, us.apiKey);
  const theirApi = await ApiClient.connect(platform.edgeUrl, them.apiKey);
  theirIds = [];
  for (let count = 0; count < 25; count++) {
    const answer = await theirApi.send('POST', '/v1/customers', { body: { kind: 'PERSON', displayName: 'Ada' } });
    theirIds.push((answer.body as { id: string }).id);
  }
  // Its own tenant has just read it, so every cache has it.
  for (const id of [...theirIds, ...theirIds]) await theirApi.send('GET', `/v1/customers/${id}`);
}, 120_000);

it("takes as long for another tenant's id as for an unknown one", { timeout: soakTimeoutMs }, async () => {
  const nowhereIds = theirIds.map(() => crypto.randomUUID());
  const [theirs, nowhere]: [number[], number[]] = [[], []];
  const ask = async (ids: readonly string[], round: number) => {
    const begin = performance.now();
    const { status } = await ourApi.send('GET', `/v1/customers/${ids[round % ids.length]}`);
    expect(status).toBe(404);
    return performance.now() - begin;
  };
  for (let round = isSoak ? -50 : 0; round < samples; round++) {
    const place = Math.abs(round);
    // The order alternates.
    const first = place % 2 === 0 ? theirs : nowhere;
    const second = first === theirs ? nowhere : theirs;
    for (const kind of [first, second]) {
      const elapsedMs = await ask(kind === theirs ? theirIds : nowhereIds, place);
      if (round >= 0) kind.push(elapsedMs);
    }
  }

  const [difference, noise] = [Math.abs(median(theirs) - median(nowhere)), medianNoise(nowhere)];
  printTally('answer times', { samples, differenceMs: difference.toFixed(3), noiseMs: noise.toFixed(3) });
  // A few answers on a busy machine prove nothing: `answer-times.test.ts` compares the steps instead.
  if (isSoak) expect(difference).toBeLessThanOrEqual(noise);
});
