import { describe, expect, it } from 'vitest';
import {
  amountsIn,
  converted,
  currenciesOf,
  dealsFilter,
  inOrder,
  periodAt,
  shifted,
  spanOf,
} from './forecast-data.ts';

const day = (text: string) => new Date(`${text}T12:00:00`);

describe('the periods of a forecast', () => {
  it('have the number of the year in which their fiscal year begins', () => {
    expect(periodAt('quarter', day('2026-11-29'), 1)).toBe('2026-Q4');
    expect(periodAt('quarter', day('2026-11-29'), 4)).toBe('2026-Q3');
    expect(periodAt('quarter', day('2027-02-01'), 4)).toBe('2026-Q4');
    expect(periodAt('year', day('2027-03-31'), 4)).toBe('2026');
    expect(periodAt('month', day('2027-02-01'), 4)).toBe('2027-02');
  });

  it('follow one another across years', () => {
    expect(shifted('2026-Q4', 1)).toBe('2027-Q1');
    expect(shifted('2026-01', -1)).toBe('2025-12');
    expect(shifted('2026', 2)).toBe('2028');
    expect(['2026', '2026-Q1', '2026-03'].map(spanOf)).toEqual(['year', 'quarter', 'month']);
  });
});

describe('the deals behind a number', () => {
  const scope = { startDate: '2026-10-01', endDate: '2026-12-31', currency: 'EUR', pipelineId: '', group: '' };

  it('are open ones by close date, and won ones by when they were won', () => {
    expect(dealsFilter(scope, ['COMMIT'])).toBe(
      'effectiveForecastCategory = COMMIT AND closeDate >= 2026-10-01 AND closeDate <= 2026-12-31 AND amount = "EUR*"',
    );
    expect(dealsFilter({ ...scope, currency: '', group: 'NOT ownerId:*' }, ['CLOSED'])).toBe(
      'effectiveForecastCategory = CLOSED AND closeTime >= 2026-10-01 AND closeTime < 2027-01-01 AND NOT ownerId:*',
    );
  });

  it('are either of them for a total', () =>
    expect(dealsFilter(scope, ['CLOSED', 'COMMIT', 'PIPELINE'])).toMatch(
      /^\(\(effectiveForecastCategory IN \(COMMIT, PIPELINE\) AND .*\) OR \(effectiveForecastCategory = CLOSED AND .*\)\) AND amount/,
    ));
});

describe('the currencies of a forecast', () => {
  const amounts = [
    { currencyCode: 'EUR', total: '7' },
    { currencyCode: 'JPY', total: '900' },
  ];

  it('are each one, after all of them in the base currency where the server converts them', () => {
    const total = { amounts, converted: { currencyCode: 'EUR', total: '12.50' } };
    expect(currenciesOf({ total: { amounts } })).toEqual(['EUR', 'JPY']);
    expect(currenciesOf({ total })).toEqual([converted, 'EUR', 'JPY']);
    expect(amountsIn(total, converted)).toEqual(total.converted);
    expect(amountsIn(total, 'JPY')).toEqual(amounts[1]);
  });

  it('put the largest owner first, and categories by how sure they are', () => {
    const owner = (value: string, total: string) => ({ value, amounts: [{ currencyCode: 'EUR', total }] });
    const names = (grouping: string, values: { value: string }[]) =>
      inOrder(values, grouping, 'EUR', []).map(({ value }) => value);
    expect(names('OWNER', [owner('a', '9'), owner('b', '10')])).toEqual(['b', 'a']);
    expect(names('CATEGORY', [{ value: 'BEST_CASE' }, { value: 'CLOSED' }])).toEqual(['CLOSED', 'BEST_CASE']);
  });
});
