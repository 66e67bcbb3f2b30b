import { AppError } from '@rapport/platform';
import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MergingTenant } from './merging-tenant.js';
import { person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

/** Associations of which the first becomes a duplicate at one merge, and after its undo at later ones. */
const chained: [number, number][] = [
  [4, 1],
  [2, 1],
  [0, 4],
  [4, 0],
];

/** fast-check reports the shortest failing case when the property fails. */
const seed = printedSeed('unmerge-links');
const runs = sizeOf('UNMERGE_RUNS', { short: 5, long: 1_500 });

test('undoing all merges in any order restores the associations', { timeout: soakTimeoutMs }, async () => {
  const one = fc.nat({ max: 4 });
  const pairs = (maxLength: number) => fc.array(fc.tuple(one, one), { minLength: 2, maxLength });
  await fc.assert(
    fc.asyncProperty(pairs(14), pairs(6), fc.array(one, { minLength: 1 }), async (ends, merging, choices) => {
      const tenant = new MergingTenant(customers);
      const ids = await Promise.all([0, 1, 2, 3, 4].map(async () => (await tenant.create(person())).id));
      const links = () => Promise.all(ids.map(async (id) => (await tenant.links(id)).toSorted()));
      for (const [from, to] of ends) await unlessRefused(tenant.associate(ids[from] ?? '', ids[to] ?? ''));
      const before = await links();
      const inForce: string[] = [];
      for (const [stays, merged] of merging) {
        const merge = await unlessRefused(tenant.merge(ids[stays] ?? '', ids[merged] ?? ''));
        if (merge) inForce.push(merge.record.id);
      }

      for (let turn = 0; inForce.length > 0; turn += 1) {
        const index = (choices[turn] ?? turn) % inForce.length;
        if (await unlessRefused(tenant.unmerge(inForce[index] ?? ''))) inForce.splice(index, 1);
      }

      expect(await links()).toEqual(before);
    }),
    {
      seed,
      numRuns: runs,
      endOnFailure: true,
      examples: [
        [
          chained,
          [
            [0, 1],
            [2, 4],
            [3, 2],
          ],
          [0, 1, 0],
        ],
      ],
    },
  );
  printTally('unmerge-links', { runs });
});

async function unlessRefused<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    const refusals = ['INVALID_ARGUMENT', 'ALREADY_EXISTS', 'NOT_FOUND', 'FAILED_PRECONDITION'];
    if (error instanceof AppError && refusals.includes(error.code)) return undefined;
    throw error;
  }
}
