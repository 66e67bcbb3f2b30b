import { expect, test } from 'vitest';
import { rulesOf, secondsAt, withRules, withSeconds } from './targets.ts';

const policy = {
  targets: [
    { metric: 'FIRST_RESPONSE', priority: 'URGENT', withinSeconds: 3_600, clock: 'WALL' },
    { metric: 'RESOLUTION', withinSeconds: 86_400, clock: 'BUSINESS', pauseIn: ['PENDING'] },
  ],
};

test('a cell has the time of its metric and priority', () => {
  expect(secondsAt(policy, 'FIRST_RESPONSE', 'URGENT')).toBe(3_600);
  expect(secondsAt(policy, 'FIRST_RESPONSE', 'HIGH')).toBeUndefined();
  expect(secondsAt(policy, 'RESOLUTION', '')).toBe(86_400);
});

test('a time is set, added with the rules of its metric, and removed', () => {
  expect(withSeconds(policy, 'FIRST_RESPONSE', 'URGENT', 60)[0]).toMatchObject({ withinSeconds: 60, clock: 'WALL' });
  expect(withSeconds(policy, 'FIRST_RESPONSE', 'HIGH', 7_200)[2]).toEqual({
    ...{ metric: 'FIRST_RESPONSE', priority: 'HIGH', withinSeconds: 7_200, clock: 'WALL' },
  });
  expect(withSeconds(policy, 'RESOLUTION', '', undefined)).toEqual([policy.targets[0]]);
});

test('the rules of a metric are those of all its targets, and of no others', () => {
  expect(rulesOf(policy, 'RESOLUTION')).toEqual({ clock: 'BUSINESS', pauseIn: ['PENDING'] });
  expect(withRules(policy, 'RESOLUTION', { clock: 'WALL', pauseIn: null })).toEqual([
    policy.targets[0],
    { metric: 'RESOLUTION', withinSeconds: 86_400, clock: 'WALL' },
  ]);
});
