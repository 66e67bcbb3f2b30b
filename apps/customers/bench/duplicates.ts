import { source } from '../seed/load-source.ts';
import { accuracy, febrl, splink, withoutIdentifiers } from './duplicate-samples.ts';

const { findDuplicatePairs } = source;

export interface DuplicatesFigure {
  set: string;
  records: number;
  /** Pairs found at the default threshold. */
  pairs: number;
  precision: number;
  recall: number;
  f1: number;
  seconds: number;
}

/** Finds the duplicates in each labelled set, on one core, and says how right and how fast that was. */
export function duplicatesFigures(): DuplicatesFigure[] {
  return [withoutIdentifiers(febrl()), febrl(), splink()].map((set) => {
    const start = performance.now();
    const pairs = findDuplicatePairs(set.candidates);
    const seconds = (performance.now() - start) / 1000;
    return { set: set.name, records: set.candidates.length, pairs: pairs.length, ...accuracy(pairs, set), seconds };
  });
}
