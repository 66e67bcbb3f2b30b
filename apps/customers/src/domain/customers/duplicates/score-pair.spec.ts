import { describe, expect, test } from 'vitest';
import { companySet, companyWorlds } from '../../../../bench/company-samples.js';
import { febrl, splink } from '../../../../bench/duplicate-samples.js';
import { companyCandidate as company, personCandidate as person } from '../../../../test/duplicate-candidates.js';
import type { DuplicateCandidate, DuplicateEvidence } from './duplicate-candidate.js';
import { scorePair } from './score-pair.js';
import { TermFrequencies } from './term-frequencies.js';

/** Sums of bits differ in their last digits. */
const rounding = 1e-12;

const tenant = TermFrequencies.of(febrl().candidates);

const ada = person({
  givenName: 'Ada',
  familyName: 'Lovelace',
  birthDate: '1815-12-10',
  emails: ['ada@lovelace.example'],
  phones: ['+442079460018'],
  addresses: [{ street: '12 St James Square', city: 'London', postalCode: 'SW1Y 4JH', countryCode: 'GB' }],
  identifiers: ['nino/QQ123456C'],
});

function evidenceOf(left: DuplicateCandidate, right: DuplicateCandidate, field: DuplicateEvidence['field']) {
  return scorePair(left, right, tenant).evidence.find((item) => item.field === field);
}

function score(left: DuplicateCandidate, right: DuplicateCandidate): number {
  return scorePair(left, right, tenant).score;
}

describe('any pair', () => {
  const pairs = [febrl(), splink()].flatMap(({ candidates, entityOf }) =>
    candidates.slice(0, 400).flatMap((left, index) => {
      const same = candidates.filter(({ id }) => id > left.id && entityOf.get(id) === entityOf.get(left.id));
      return [...same, ...candidates.slice(index + 1, index + 4)].map((right) => [left, right] as const);
    }),
  );

  test('is symmetric', () => {
    for (const [left, right] of pairs) expect(score(left, right)).toBeCloseTo(score(right, left), 12);
  });

  test('never scores higher without a field that is evidence for it', () => {
    const fields = { givenName: 1, familyName: 1, birthDate: 1, email: 1, identifier: 1 };
    const property = { email: 'emails', identifier: 'identifiers' } as Record<string, keyof DuplicateCandidate>;
    let taken = 0;
    for (const [left, right] of pairs) {
      const whole = scorePair(left, right, tenant);
      for (const { field } of whole.evidence.filter((item) => item.weight > 0 && item.field in fields)) {
        const name = property[field] ?? field;
        const without = { ...left, [name]: Array.isArray(left[name as 'emails']) ? [] : undefined };
        expect(score(without, right), `${left.id} ${right.id} ${field}`).toBeLessThanOrEqual(whole.score + rounding);
        taken += 1;
      }
    }
    expect(taken).toBeGreaterThan(1000);
  });

  test('has the odds of prior and evidence', () => {
    for (const [left, right] of pairs.slice(0, 200)) {
      const { score: probability, evidence } = scorePair(left, right, tenant);
      const bits = evidence.reduce((sum, { weight }) => sum + weight, 0);
      const odds = tenant.priorOdds('PERSON') * 2 ** bits;
      expect(probability).toBeCloseTo(odds / (1 + odds), 12);
    }
  });
});

describe('persons', () => {
  test('score a shared rare name higher than a shared common one', () => {
    const common = person({ familyName: 'White' });
    const rare = person({ familyName: 'Ottewell' });
    const weightOf = (name: DuplicateCandidate) => evidenceOf(name, name, 'familyName')?.weight ?? 0;

    expect(weightOf(rare)).toBeGreaterThan(weightOf(common) + 2);
  });

  test('match when given and family name are swapped', () => {
    const swapped = { ...ada, givenName: 'Lovelace', familyName: 'Ada' };

    expect(evidenceOf(ada, swapped, 'name')).toMatchObject({
      level: 'SWAPPED',
      left: 'Ada Lovelace',
      right: 'Lovelace Ada',
    });
    expect(score(ada, swapped)).toBeGreaterThan(0.99);
    expect(score(ada, swapped)).toBeLessThanOrEqual(score(ada, ada));
  });

  test.each([
    ['givenName', 'Robert', 'Rob', 'SIMILAR'],
    ['givenName', 'Robert', 'R.', 'PARTIAL'],
    ['givenName', 'Robert', 'Rboert', 'SIMILAR'],
    ['givenName', 'Zoë', 'ZOE', 'EXACT'],
    ['givenName', 'Robert', 'Alice', 'DIFFERENT'],
    ['familyName', "O'Neill", 'ONeill', 'EXACT'],
    ['birthDate', '1985-02-07', '19850207', 'EXACT'],
    ['birthDate', '1985-02-07', '1985-07-02', 'SIMILAR'],
    ['birthDate', '1985-02-07', '1985-03-01', 'SIMILAR'],
    ['birthDate', '1985-02-07', '1985-11-07', 'PARTIAL'],
    ['birthDate', '1985-02-07', '1961-08-19', 'DIFFERENT'],
  ] as const)('compare %s of %s and %s as %3$s', (field, left, right, level) => {
    expect(evidenceOf(person({ [field]: left }), person({ [field]: right }), field)).toMatchObject({
      level,
      left,
      right,
    });
  });

  test('at one address with one family name do not match', () => {
    const { familyName, addresses, phones } = ada;
    const anne = person({ familyName, addresses, phones, givenName: 'Anne', birthDate: '1837-09-22' });
    const ralph = person({ familyName, addresses, phones, givenName: 'Ralph' });

    expect(score(anne, person({ ...ralph, birthDate: '1839-07-02' }))).toBeLessThan(0.05);
    expect(score(anne, ralph)).toBeLessThan(0.5);
  });

  test('in one office do not match', () => {
    const office = { phones: ['+442079460018'], addresses: ada.addresses };
    const bob = person({ ...office, givenName: 'Bob', familyName: 'Jones', emails: ['bob.jones@acme.example'] });
    const eve = person({ ...office, givenName: 'Eve', familyName: 'Miller', emails: ['eve.miller@acme.example'] });

    expect(score(bob, eve)).toBeLessThan(0.5);
  });

  test('are compared by an identifier only within one system', () => {
    const left = person({ identifiers: ['nino/QQ 12 34 56 C'] });

    expect(evidenceOf(left, person({ identifiers: ['nino/qq123456c'] }), 'identifier')).toMatchObject({
      level: 'EXACT',
    });
    expect(evidenceOf(left, person({ identifiers: ['nino/QQ999999C'] }), 'identifier')).toMatchObject({
      level: 'DIFFERENT',
    });
    expect(evidenceOf(left, person({ identifiers: ['passport/QQ123456C'] }), 'identifier')).toBeUndefined();
  });

  test('are compared by their most similar values', () => {
    const left = person({ emails: ['old@one.example', 'ada@lovelace.example'] });

    expect(evidenceOf(left, person({ emails: ['new@two.example', 'Ada@Lovelace.example'] }), 'email')).toMatchObject({
      level: 'EXACT',
      left: 'ada@lovelace.example',
      right: 'Ada@Lovelace.example',
    });
  });

  test('without a common field score as two random people', () => {
    const { score: probability, evidence } = scorePair(
      person({ givenName: 'Ada' }),
      person({ phones: ['+4420'] }),
      tenant,
    );

    expect(evidence).toEqual([]);
    expect(probability).toBeLessThan(0.001);
  });
});

describe('companies', () => {
  const at = (street: string) => [{ street, city: 'Berlin', postalCode: '10115', countryCode: 'DE' }];
  const acme = company('ACME Widgets GmbH', { domains: ['acme.example'], addresses: at('Torstr. 1') });

  test.each([
    ['ACME Widgets', 'EXACT'],
    ['The Acme-Widgets GmbH & Co. KG', 'EXACT'],
    ['Widgets ACME Ltd', 'SIMILAR'],
    ['Acme Widgts Inc.', 'SIMILAR'],
    ['Acme Widgets Berlin', 'PARTIAL'],
    ['Acme Widgets 2', 'DIFFERENT'],
    ['Bolts and Nuts', 'DIFFERENT'],
  ])('are compared by name without the legal form: %s is %s', (name, level) => {
    expect(evidenceOf(acme, company(name), 'companyName')?.level).toBe(level);
  });

  test('retain a name that consists of a legal form only', () => {
    expect(evidenceOf(company('Limited'), company('AG'), 'companyName')?.level).toBe('DIFFERENT');
  });

  test('match by name and domain', () => {
    expect(score(acme, company('Acme Widgets', { domains: ['www.acme.example'] }))).toBeGreaterThan(0.95);
  });

  test('in one building do not match', () => {
    expect(
      score(acme, company('Bolts and Nuts', { addresses: at('Torstraße 1'), domains: ['bolts.example'] })),
    ).toBeLessThan(0.5);
  });

  test('never score higher without a field that is evidence for them', () => {
    const { candidates, entityOf } = companySet({ ...companyWorlds[0], companies: 300 });
    const known = TermFrequencies.of(candidates);
    const fields = { companyName: 'displayName', domain: 'domains', email: 'emails', phone: 'phones' } as const;
    let taken = 0;
    for (const left of candidates) {
      const same = candidates.filter(({ id }) => id > left.id && entityOf.get(id) === entityOf.get(left.id));
      for (const right of same) {
        const whole = scorePair(left, right, known);
        for (const { field } of whole.evidence.filter(({ weight }) => weight > 0)) {
          if (!(field in fields)) continue;
          const name = fields[field as keyof typeof fields];
          const without = { ...left, [name]: name === 'displayName' ? undefined : [] };
          const { score: less } = scorePair(without, right, known);
          expect(less, `${left.id} ${right.id} ${field}`).toBeLessThanOrEqual(whole.score + rounding);
          taken += 1;
        }
      }
    }
    expect(taken).toBeGreaterThan(300);
  });

  test('are never persons', () => {
    const person = { ...ada, displayName: 'Ada Lovelace' };

    expect(scorePair(person, { ...person, kind: 'COMPANY' }, tenant)).toEqual({ score: 0, evidence: [] });
  });
});

test('two similar candidates match with frequencies from themselves only', () => {
  const few = TermFrequencies.of([ada, { ...ada, id: 'other' }]);

  expect(scorePair(ada, { ...ada, id: 'other', emails: [], identifiers: [] }, few).score).toBeGreaterThan(0.95);
});
