import { AssignmentDecision, AssignmentSkipReason } from '@rapport/contracts/rapport/work/v1/assignment';
import { AssignmentMethod, AssignmentRule } from '@rapport/contracts/rapport/work/v1/assignment_rule';
import { expect, test } from 'vitest';
import { RuleChoices, type RuleTurns } from './choose-member.js';

const users = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

function rule(method: AssignmentMethod, weights: readonly number[] = [], paused: ReadonlySet<string> = new Set()) {
  const members = users.map((userId, index) => ({
    ...{ userId, weight: weights[index], capacity: undefined, paused: paused.has(userId), calendarId: undefined },
  }));
  return { ...AssignmentRule.decode(new Uint8Array()), method, members };
}

function countsOf(chosen: readonly string[]): number[] {
  return users.map((userId) => chosen.filter((each) => each === userId).length);
}

test('between any two choices without a change, the counts of members differ by at most one', () => {
  let turns: RuleTurns | undefined;
  const chosen: string[] = [];
  for (let made = 0; made < 300; made += 1) {
    // Each choice is a transaction of its own.
    const choices = new RuleChoices(rule(AssignmentMethod.ROUND_ROBIN), turns);
    chosen.push(choices.choose().userId ?? '');
    turns = choices.turns;
  }

  for (let start = 0; start < 60; start += 1) {
    for (let end = start; end < 300; end += 7) {
      const counts = countsOf(chosen.slice(start, end));
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    }
  }
});

test('while random members are away, those that stay differ by at most one, and nobody catches up', () => {
  let turns: RuleTurns | undefined;
  // A linear congruential generator: the same changes each time.
  let random = 7;
  const next = (limit: number) => (random = (random * 1_103_515_245 + 12_345) % 2 ** 31) % limit;
  for (let change = 0; change < 500; change += 1) {
    const paused = new Set(users.filter(() => next(3) === 0).slice(0, users.length - 1));
    const choices: RuleChoices = new RuleChoices(rule(AssignmentMethod.ROUND_ROBIN, [], paused), turns);
    const chosen = Array.from({ length: next(30) }, () => choices.choose().userId ?? '');
    turns = choices.turns;
    const counts = countsOf(chosen).filter((_, index) => !paused.has(users[index] ?? ''));
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    expect(chosen.filter((userId) => paused.has(userId))).toEqual([]);
  }
});

test('shares follow the weights, to less than one turn at any time', () => {
  const weights = [1, 2, 3, 5, 8, 13, 21];
  const total = weights.reduce((sum, weight) => sum + weight);
  const choices = new RuleChoices(rule(AssignmentMethod.WEIGHTED, weights));
  const chosen: string[] = [];
  for (let made = 0; made < 40 * total; made += 1) {
    chosen.push(choices.choose().userId ?? '');
    if (made % total !== total - 1) continue;
    const rounds = (made + 1) / total;
    for (const [index, count] of countsOf(chosen).entries()) {
      expect(Math.abs(count - rounds * (weights[index] ?? 0))).toBeLessThanOrEqual(1);
    }
  }
});

test('a member at its capacity is skipped, and open records of the same transaction count', () => {
  const [first, second] = rule(AssignmentMethod.FIXED).members;
  const members = [{ ...first!, capacity: 2 }, second!];
  const choices = new RuleChoices({ ...rule(AssignmentMethod.FIXED), members }, undefined, {
    open: new Map([['a', 1]]),
  });

  expect(choices.choose()).toEqual({ userId: 'a', decision: AssignmentDecision.FIRST_MEMBER, skipped: [] });
  expect(choices.choose()).toMatchObject({
    userId: 'b',
    skipped: [{ userId: 'a', reason: AssignmentSkipReason.AT_CAPACITY }],
  });
});

test.each([
  ['whose calendar has no business hours', AssignmentSkipReason.OFF_HOURS, { offHours: new Set(['night']) }],
  ['that is disabled or deleted', AssignmentSkipReason.INACTIVE, { inactive: new Set(['a']) }],
])('a member %s is skipped, whatever the method, and returns to one turn', (_, reason, availability) => {
  const members = rule(AssignmentMethod.ROUND_ROBIN).members.slice(0, 2);
  const [first, second] = members;
  const away = { ...rule(AssignmentMethod.ROUND_ROBIN), members: [{ ...first!, calendarId: 'night' }, second!] };
  const skipped = [{ userId: 'a', reason }];

  for (const method of [AssignmentMethod.FIXED, AssignmentMethod.STICKY, AssignmentMethod.LEAST_OPEN]) {
    const choices = new RuleChoices({ ...away, method }, undefined, availability);
    expect(choices.choose({ customerOwner: 'a', sameCustomer: 'a' })).toMatchObject({ userId: 'b', skipped });
  }
  const choices = new RuleChoices(away, undefined, availability);
  expect([choices.choose(), choices.choose(), choices.choose()].map(({ userId }) => userId)).toEqual(['b', 'b', 'b']);
  const later = new RuleChoices(away, choices.turns);
  expect([later.choose(), later.choose(), later.choose()].map(({ userId }) => userId)).toEqual(['a', 'b', 'a']);
});

test('a fallback that is disabled or deleted gets no record, and is named once among the skipped', () => {
  const [first, second] = rule(AssignmentMethod.ROUND_ROBIN).members;
  const members = [first!, { ...second!, paused: true }];
  const inactive = new Set(['a', 'z']);
  const chosenWith = (fallbackUserId: string) =>
    new RuleChoices({ ...rule(AssignmentMethod.ROUND_ROBIN), members, fallbackUserId }, undefined, {
      inactive,
    }).choose();
  const skipped = [
    { userId: 'a', reason: AssignmentSkipReason.INACTIVE },
    { userId: 'b', reason: AssignmentSkipReason.PAUSED },
  ];
  const none = { userId: undefined, decision: AssignmentDecision.NO_MEMBER };

  // A pause is of the member, and not of the fallback.
  expect(chosenWith('b')).toEqual({ userId: 'b', decision: AssignmentDecision.FALLBACK, skipped });
  expect(chosenWith('a')).toEqual({ ...none, skipped });
  expect(chosenWith('z')).toEqual({
    ...none,
    skipped: [...skipped, { userId: 'z', reason: AssignmentSkipReason.INACTIVE }],
  });
});
