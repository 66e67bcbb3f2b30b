import { printedSeed, printTally, isSoak, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { expect, test } from 'vitest';
import { companySet, companyWorlds, type CompanyWorld } from '../bench/company-samples.js';
import { accuracy, calibrationError } from '../bench/duplicate-samples.js';
import { SeedRandom } from '../seed/seed-random.js';
import { comparableValues } from '../src/domain/customers/duplicates/comparable-values.js';
import { defaultMinScore, findDuplicatePairs } from '../src/domain/customers/duplicates/find-duplicate-pairs.js';
import { scoreValues } from '../src/domain/customers/duplicates/score-pair.js';
import { TermFrequencies } from '../src/domain/customers/duplicates/term-frequencies.js';

const worlds = sizeOf('COMPANY_WORLDS', { short: 1, long: 60 });
const companies = sizeOf('COMPANIES', { short: 600, long: 1_200 });

/** Other companies, records and errors than those used to develop the weights. */
function randomWorld(random: SeedRandom): CompanyWorld {
  const between = (least: number, most: number) => least + random.next() * (most - least);
  return {
    ...{ name: 'companies', seed: random.below(2 ** 31), companies, isDirectory: random.chance(0.5) },
    copies: { mean: between(0.4, 2), max: 3 + random.below(6) },
    ...{ alias: between(0, 0.3), moved: between(0, 0.1), office: between(0, 0.2), reception: between(0, 0.5) },
    ...{ branches: between(0, 0.06), hotline: between(0, 0.5), typo: between(0, 0.08), missing: between(0, 0.25) },
  };
}

test(
  'companies of any kind match at the common threshold, with calibrated scores',
  () => {
    const random = new SeedRandom(printedSeed('company duplicates'));
    const figures = Array.from({ length: worlds }, () => {
      const world = randomWorld(random);
      const set = companySet(world);
      const compared = findDuplicatePairs(set.candidates, { minScore: 0 });
      const { f1 } = accuracy(
        compared.filter(({ score }) => score >= defaultMinScore),
        set,
      );
      return {
        ...{ world, f1, comparedShare: accuracy(compared, set).recall },
        ...{ error: calibrationError(compared, set), unsureError: calibrationError(compared, set, 0.1) },
      };
    });
    const all = (name: 'f1' | 'comparedShare' | 'error' | 'unsureError') => figures.map((figure) => figure[name]);
    const meanF1 = all('f1').reduce((sum, f1) => sum + f1, 0) / worlds;
    printTally('company duplicates', {
      ...{ worlds, companies, meanF1: percent(meanF1), leastF1: percent(Math.min(...all('f1'))) },
      ...{ leastCompared: percent(Math.min(...all('comparedShare'))), mostError: percent(Math.max(...all('error'))) },
      mostUnsureError: percent(Math.max(...all('unsureError'))),
    });

    // The mean of two samples is hardly more precise than each.
    if (worlds >= 20) expect(meanF1).toBeGreaterThanOrEqual(0.9);
    for (const { world, f1, comparedShare, error, unsureError } of figures) {
      expect(f1, JSON.stringify(world)).toBeGreaterThanOrEqual(0.85);
      expect(comparedShare, JSON.stringify(world)).toBeGreaterThanOrEqual(0.95);
      expect(error, JSON.stringify(world)).toBeLessThan(0.05);
      expect(unsureError, JSON.stringify(world)).toBeLessThan(0.1);
    }
  },
  isSoak ? soakTimeoutMs : 120_000,
);

test(
  'the score of two companies is symmetric',
  () => {
    const random = new SeedRandom(printedSeed('symmetric scores'));
    const pairs = sizeOf('SYMMETRIC_PAIRS', { short: 20_000, long: 2_000_000 });
    const read = companyWorlds.flatMap((world) => companySet(world).candidates.map(comparableValues));
    const frequencies = new TermFrequencies();
    for (const values of read) frequencies.add(values);
    let alike = 0;
    for (let count = 0; count < pairs; count += 1) {
      const at = random.below(read.length);
      // Neighbours often belong to one company.
      const [left, right] = [read[at], read[random.chance(0.5) ? at + 1 : random.below(read.length)]];
      if (!left || !right) continue;
      const [one, other] = [scoreValues(left, right, frequencies), scoreValues(right, left, frequencies)];
      alike += Number(one.score > 0.1);
      expect(Math.abs(one.score - other.score), `${left.id} ${right.id}`).toBeLessThan(1e-9);
    }
    printTally('symmetric scores', { pairs, alike });
    expect(alike).toBeGreaterThan(pairs / 20);
  },
  isSoak ? soakTimeoutMs : 120_000,
);

/** In tenths of a percent. */
function percent(share: number): number {
  return Math.round(share * 1_000) / 10;
}
