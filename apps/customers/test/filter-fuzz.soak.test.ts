import type { AppError } from '@rapport/platform';
import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { filterTexts } from './filter-texts.js';
import { makeFilteredCustomers } from './filtered-tenant.js';
import { newCaller, sharedCustomers } from './running-customers.js';

const seed = printedSeed('filter-fuzz');
const runs = sizeOf('FILTER_FUZZ_RUNS', { short: 150, long: 50_000 });
const customers = await sharedCustomers();
const caller = newCaller();
await makeFilteredCustomers(customers, caller);

test('any well-formed filter returns a result or a specific error', { timeout: soakTimeoutMs }, async () => {
  const answered = { count: 0 };
  await fc.assert(
    fc.asyncProperty(filterTexts, fc.boolean(), async (text, showDeleted) => {
      const answer = await customers
        .call('listCustomers', { filter: text, showDeleted }, caller)
        .catch((error: unknown) => error as AppError);
      if ('customers' in answer) return void (answered.count += 1);
      expect(answer.code).toBe('INVALID_ARGUMENT');
      expect(answer.violations[0]?.reason).toMatch(/^FILTER_/);
      expect(answer.violations[0]?.description).toMatch(/^at character \d+: /);
    }),
    { seed, numRuns: runs },
  );
  printTally('filter-fuzz', { filters: runs, answered: answered.count });
  expect(answered.count).toBeGreaterThan(runs / 4);
});
