import { source } from '../seed/load-source.ts';
import { companySet, companyWorlds } from './company-samples.ts';
import { accuracy, bestThreshold, calibrationError, febrl, splink, withoutIdentifiers } from './duplicate-samples.ts';

const { findDuplicatePairs, defaultMinScore } = source;

export interface DuplicatesFigure {
  set: string;
  records: number;
  /** Pairs found at the default threshold. */
  pairs: number;
  precision: number;
  recall: number;
  f1: number;
  /** The threshold that would have been best, and how good that is. */
  bestScore: number;
  bestF1: number;
  /** How far off scores are of how often they are right. */
  calibrationError: number;
  /** The share of the true pairs that share a key, and all pairs that do. */
  comparedShare: number;
  compared: number;
  /** Of one processor, to compare a pair. */
  microsPerPair: number;
}

/** Finds the duplicates in each labelled set, on one core, and says how right and how fast that was. */
export function duplicatesFigures(): DuplicatesFigure[] {
  const sets = [withoutIdentifiers(febrl()), febrl(), splink(), ...companyWorlds.map(companySet)];
  return sets.map((set) => {
    const before = process.cpuUsage();
    const compared = findDuplicatePairs(set.candidates, { minScore: 0 });
    const { user } = process.cpuUsage(before);
    const pairs = compared.filter(({ score }) => score >= defaultMinScore);
    const best = bestThreshold(compared, set);
    const figure = {
      ...{ set: set.name, records: set.candidates.length, pairs: pairs.length, ...accuracy(pairs, set) },
      ...{ bestScore: best.score, bestF1: best.f1, calibrationError: calibrationError(compared, set) },
      ...{ comparedShare: accuracy(compared, set).recall, compared: compared.length },
      microsPerPair: user / compared.length,
    };
    return rounded(figure);
  });
}

function rounded(figure: DuplicatesFigure): DuplicatesFigure {
  const entries = Object.entries(figure).map(([name, value]: [string, string | number]) => [
    name,
    typeof value === 'number' ? Math.round(value * 1_000) / 1_000 : value,
  ]);
  return Object.fromEntries(entries) as DuplicatesFigure;
}
