import { expect, test } from 'vitest';
import { rowsOf } from './attribution-rows.ts';

const eur = (amount: string) => ({ currencyCode: 'EUR', amount });

test('groups of several models are rows with a share of each', () => {
  const first = { groups: [{ campaignId: 'a', amount: eur('10.00') }, { amount: eur('2.50') }] };
  const last = { groups: [{ campaignId: 'b', amount: eur('12.50') }] };

  expect(rowsOf([first, last], 'CAMPAIGN')).toEqual([
    { key: 'a', amounts: [eur('10.00'), undefined] },
    { key: '', amounts: [eur('2.50'), undefined] },
    { key: 'b', amounts: [undefined, eur('12.50')] },
  ]);
  expect(rowsOf([{}], 'KIND')).toEqual([]);
});
