import { expect, it } from 'vitest';
import { durationText, rowsOf } from './report-rows.ts';

const pipeline = {
  stages: [
    { key: 'due', name: 'Due', limitDays: 2 },
    { key: 'won', name: 'Won' },
  ],
};

it('divides the deals of a stage into those that went on, that stay, and that are lost', () => {
  const stages = [
    { stage: 'due', kind: 'OPEN', enteredCount: 10, convertedCount: 4, lostCount: 3, p90Seconds: 200_000 },
    { stage: 'won', kind: 'WON', enteredCount: 4, convertedCount: 0, lostCount: 0 },
  ];
  const [due, won] = rowsOf(pipeline, { stages });
  expect(due).toMatchObject({ name: 'Due', converted: 4, open: 3, lost: 3, isLate: true });
  expect(won).toMatchObject({ converted: 4, open: 0, lost: 0, isLate: false });
});

it('counts a deal once that was lost after it had gone on', () => {
  const [due] = rowsOf(pipeline, {
    stages: [{ stage: 'due', kind: 'OPEN', enteredCount: 5, convertedCount: 4, lostCount: 3 }],
  });
  expect(due).toMatchObject({ converted: 4, lost: 1, open: 0 });
});

it('says a duration in the largest unit that it fills', () => {
  expect([undefined, 12, 5_400, 216_000].map((seconds) => durationText(seconds, 'en'))).toEqual([
    '–',
    '12 sec',
    '1.5 hr',
    '2.5 days',
  ]);
});
