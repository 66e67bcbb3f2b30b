import { expect, test } from 'vitest';
import { mismatchOf, type ChangeFacts, type RecordAround } from './match-trigger.js';
import { customerOfMember, memberTrigger } from './segment-trigger.js';

const segmentId = '019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a11';

const change = (operation: string, type = 'segment_member'): ChangeFacts => ({
  ...{ id: 'change', type, recordId: 'member', operation, changedFields: [], time: '2026-11-29T12:00:00Z' },
  ...{ actor: 'service:customers', causationId: undefined, hop: 0 },
});

const around = (member: object, isLeaving = false): RecordAround => ({
  before: isLeaving ? { ...member } : undefined,
  after: isLeaving ? undefined : { ...member },
  ...{ meetsBefore: () => false, meetsAfter: () => false },
});

test.each([
  [{ joined: true, left: false }, ['CREATE']],
  [{ joined: false, left: true }, ['DELETE']],
  [{ joined: true, left: true }, ['CREATE', 'DELETE']],
])('a trigger %j follows members that are %j', (flags, expected) => {
  const trigger = memberTrigger({ segmentId, ...flags });
  const followed = ['CREATE', 'UPDATE', 'DELETE', 'GAP'].filter((each) => !mismatchOf(trigger, change(each)));
  expect(followed).toEqual(expected);
  expect(mismatchOf(trigger, change('CREATE', 'customer'))).toBe('TYPE');
});

test('a run is about the customer of the member, who has joined or left the segment of the trigger', () => {
  const trigger = { segmentId, joined: true, left: true };
  const member = { segmentId, customerId: 'ada' };
  expect(customerOfMember(trigger, around(member))).toBe('ada');
  expect(customerOfMember(trigger, around(member, true))).toBe('ada');
  expect(customerOfMember(trigger, around({ ...member, segmentId: 'another' }))).toBeUndefined();
});
