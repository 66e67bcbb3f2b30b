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
  /** The best threshold in hindsight, and its quality. */
  bestScore: number;
  bestF1: number;
  /** Calibration error of the scores. */
  calibrationError: number;
  /** The share of the true pairs with a common key, and all pairs with one. */
  comparedShare: number;
  compared: number;
  /** Processor time per compared pair. */
  microsPerPair: number;
}

/** Finds the duplicates in each labelled set, on one core, and prints quality and speed. */
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
