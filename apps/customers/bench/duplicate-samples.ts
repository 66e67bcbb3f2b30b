import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import type { DuplicateCandidate, DuplicatePair } from '../src/domain/customers/duplicates/duplicate-candidate.js';

const samples = join(import.meta.dirname, '../test/samples');

/** Records with known matches. */
export interface LabelledSet {
  name: string;
  candidates: DuplicateCandidate[];
  /** By id; records of one entity are the same person or company. */
  entityOf: ReadonlyMap<string, string>;
}

/**
 * FEBRL's third set: 2,000 synthetic Australians and 3,000 copies with errors, up to five of one. `address_2` is
 * omitted: a customer has no such field.
 */
export function febrl(): LabelledSet {
  const rows = readRows('febrl-dataset3-5000.csv');
  return {
    name: 'febrl-dataset3-5000',
    candidates: rows.map((row) => ({
      id: row['rec_id'] ?? '',
      kind: 'PERSON',
      givenName: row['given_name'],
      familyName: row['surname'],
      birthDate: row['date_of_birth'],
      emails: [],
      phones: [],
      domains: [],
      addresses: [
        {
          street: `${row['street_number'] ?? ''} ${row['address_1'] ?? ''}`.trim(),
          city: row['suburb'],
          state: row['state'],
          postalCode: row['postcode'],
        },
      ],
      identifiers: [`au-ssn/${row['soc_sec_id'] ?? ''}`],
    })),
    entityOf: new Map(rows.map(({ rec_id = '' }) => [rec_id, rec_id.split('-')[1] ?? ''])),
  };
}

/** Splink's set: 250 synthetic Britons, 1,000 records with gaps and errors, up to seven of one. */
export function splink(): LabelledSet {
  const rows = readRows('splink-fake-1000.csv');
  return {
    name: 'splink-fake-1000',
    candidates: rows.map((row) => ({
      id: row['unique_id'] ?? '',
      kind: 'PERSON',
      givenName: row['first_name'],
      familyName: row['surname'],
      birthDate: row['dob'],
      emails: row['email'] ? [row['email']] : [],
      phones: [],
      domains: [],
      addresses: row['city'] ? [{ city: row['city'] }] : [],
      identifiers: [],
    })),
    entityOf: new Map(rows.map(({ unique_id = '', cluster = '' }) => [unique_id, cluster])),
  };
}

/** The set without its identifiers, which makes it harder. */
export function withoutIdentifiers(set: LabelledSet): LabelledSet {
  return {
    ...set,
    name: `${set.name} without identifiers`,
    candidates: set.candidates.map((candidate) => ({ ...candidate, identifiers: [] })),
  };
}

/** Quality of the found pairs: the truth is every pair of records of one entity, found or not. */
export function accuracy(found: readonly Pick<DuplicatePair, 'leftId' | 'rightId'>[], { entityOf }: LabelledSet) {
  const sizes = new Map<string, number>();
  for (const entity of entityOf.values()) sizes.set(entity, (sizes.get(entity) ?? 0) + 1);
  const truePairs = [...sizes.values()].reduce((sum, size) => sum + (size * (size - 1)) / 2, 0);
  const right = found.filter(({ leftId, rightId }) => entityOf.get(leftId) === entityOf.get(rightId)).length;
  const precision = right / found.length;
  const recall = right / truePairs;
  return { precision, recall, f1: (2 * precision * recall) / (precision + recall) };
}

/** Calibration error of the scores of compared pairs: the mean over ten bins, weighted by their pairs. */
export function calibrationError(compared: readonly DuplicatePair[], { entityOf }: LabelledSet, fromScore = 0): number {
  const counted = compared.filter(({ score }) => score >= fromScore);
  const bins = Map.groupBy(counted, ({ score }) => Math.min(9, Math.floor(score * 10)));
  const errors = [...bins.values()].map((pairs) => {
    const expected = pairs.reduce((sum, { score }) => sum + score, 0);
    const right = pairs.filter(({ leftId, rightId }) => entityOf.get(leftId) === entityOf.get(rightId)).length;
    return Math.abs(expected - right);
  });
  return errors.reduce((sum, error) => sum + error, 0) / counted.length;
}

/** The threshold, in whole percent, at which compared pairs have the best F1. */
export function bestThreshold(compared: readonly DuplicatePair[], set: LabelledSet): { score: number; f1: number } {
  const thresholds = Array.from({ length: 99 }, (_, index) => (index + 1) / 100);
  return thresholds
    .map((score) => ({
      score,
      f1: accuracy(
        compared.filter((pair) => pair.score >= score),
        set,
      ).f1,
    }))
    .reduce((best, each) => (each.f1 > best.f1 ? each : best));
}

function readRows(file: string): Record<string, string>[] {
  return parse(readFileSync(join(samples, file)), { columns: true, trim: true });
}
