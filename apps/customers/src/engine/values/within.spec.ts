import { invalidField } from '@rapport/platform';
import { expect, it } from 'vitest';
import { within } from './within.js';

it.each([
  ['deal.stage', 'stage'],
  ['deal.stageTime', 'move.set.stageTime'],
  ['deal.lines[2].amount', 'move.set.lines[2].amount'],
  ['deal', 'move.set'],
  ['dealer', 'dealer'],
])('a fault of %s is one of %s', async (field, named) => {
  const places = { deal: 'move.set', 'deal.stage': 'stage' };
  const fail = () => Promise.reject(invalidField(field, 'BAD_FORMAT', 'is wrong'));
  await expect(within(places, fail)).rejects.toMatchObject({ violations: [{ field: named }] });
});
