import { LifecycleStage } from '@rapport/contracts/rapport/customers/v1/customer';
import { expect, test } from 'vitest';
import { lifecycleViolation } from './lifecycle-stage.js';

const { UNSPECIFIED, SUBSCRIBER, LEAD, QUALIFIED, OPPORTUNITY, CUSTOMER, FORMER_CUSTOMER } = LifecycleStage;
const stages = [SUBSCRIBER, LEAD, QUALIFIED, OPPORTUNITY, CUSTOMER, FORMER_CUSTOMER];

function followers(before: LifecycleStage): LifecycleStage[] {
  return stages.filter((after) => after !== before && !lifecycleViolation(before, after));
}

test('a customer starts at any stage, moves to any later one, and back only after clearing the stage', () => {
  expect([UNSPECIFIED, ...stages].map(followers)).toEqual([
    stages,
    [LEAD, QUALIFIED, OPPORTUNITY, CUSTOMER],
    [QUALIFIED, OPPORTUNITY, CUSTOMER],
    [OPPORTUNITY, CUSTOMER],
    [CUSTOMER],
    [FORMER_CUSTOMER],
    [OPPORTUNITY, CUSTOMER],
  ]);
  expect(stages.flatMap((stage) => lifecycleViolation(stage, UNSPECIFIED) ?? [])).toEqual([]);
  expect(stages.flatMap((stage) => lifecycleViolation(stage, stage) ?? [])).toEqual([]);
});

test('an error names the allowed stages', () => {
  expect(lifecycleViolation(LEAD, FORMER_CUSTOMER)).toEqual({
    field: 'lifecycleStage',
    reason: 'LIFECYCLE_TRANSITION',
    description:
      'can not be FORMER_CUSTOMER: LEAD is followed by QUALIFIED, OPPORTUNITY, CUSTOMER, or by any stage once it is cleared.',
  });
});
