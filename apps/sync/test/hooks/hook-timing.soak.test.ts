import { isSoak, median, medianNoise, printTally, sharedPlatform, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { beforeAll, expect, inject, test } from 'vitest';
import { HookedTable } from './hooked-table.ts';

const rounds = sizeOf('HOOK_ROUNDS', { short: 20, long: 2_000 });
const roundsToWarmUp = isSoak ? 50 : 0;

let table: HookedTable;

beforeAll(async () => {
  table = await HookedTable.create(await sharedPlatform(inject('platformUrl')));
});

test(
  isSoak
    ? 'a wrong signature takes as long as a connection that is nowhere'
    : 'a wrong signature gets the same answer as a connection that is nowhere, headers included',
  { timeout: soakTimeoutMs },
  async () => {
    const message = table.about('1');
    const headers = table.signed(message, { secret: `whsec_${Buffer.alloc(24, 'wrong').toString('base64')}` });
    const answers = new Set<string>();
    const ask = async (connection: string) => {
      const begin = performance.now();
      const answer = await table.post(message, headers, connection);
      const elapsedMs = performance.now() - begin;
      const names = [...answer.headers.keys()];
      answers.add(JSON.stringify([answer.status, names, { ...answer.body, requestId: '' }]));
      return elapsedMs;
    };
    const [there, nowhere]: [number[], number[]] = [[], []];
    for (let round = -roundsToWarmUp; round < rounds; round++) {
      // Each is first as often as the other.
      const kinds = round % 2 === 0 ? [there, nowhere] : [nowhere, there];
      for (const kind of kinds) {
        const elapsedMs = await ask(kind === there ? table.connection : crypto.randomUUID());
        if (round >= 0) kind.push(elapsedMs);
      }
    }

    expect([...answers]).toEqual([expect.stringMatching(/^\[401,/)]);
    const [differenceMs, noiseMs] = [Math.abs(median(there) - median(nowhere)), medianNoise(nowhere)];
    printTally('hook-timing', { rounds, differenceMs, noiseMs });
    // The time is the guarantee. It can only be measured where nothing else runs.
    if (isSoak) expect(differenceMs).toBeLessThanOrEqual(noiseMs);
  },
);
