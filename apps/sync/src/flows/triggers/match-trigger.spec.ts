import { Change, ChangeOperation } from '@rapport/contracts/rapport/api/v1/change_feed';
import { RecordTrigger, RecordTriggerOperation } from '@rapport/contracts/rapport/flows/v1/flow';
import { expect, test } from 'vitest';
import { changeFacts, changedBefore, mismatchOf, recordMismatch } from './match-trigger.js';

function change(given: Partial<Change>): Change {
  return { ...Change.decode(new Uint8Array()), type: 'deal', operation: ChangeOperation.UPDATE, ...given };
}

function trigger(given: Partial<RecordTrigger>): RecordTrigger {
  return { ...RecordTrigger.decode(new Uint8Array()), type: 'deal', ...given };
}

const moved = change({
  changedFields: ['stage', 'customFields'],
  before: { stage: 'new', customFields: { seats: 1, plan: 'gold' } },
  after: { stage: 'won', customFields: { seats: 2, plan: 'gold' } },
});

test.each([
  ['a trigger without conditions', {}, moved, undefined],
  ['one for another type', { type: 'lead' }, moved, 'TYPE'],
  ['one for a type of two words', { type: 'stageEntry' }, { ...moved, type: 'stage_entry' }, undefined],
  ['one for creations', { operations: [RecordTriggerOperation.CREATE] }, moved, 'OPERATION'],
  ['one for updates', { operations: [RecordTriggerOperation.UPDATE] }, moved, undefined],
  ['one for a changed field', { changedFields: ['title', 'stage'] }, moved, undefined],
  ['one for unchanged fields', { changedFields: ['title'] }, moved, 'FIELDS'],
  ['one for a changed custom field', { changedFields: ['customFields.seats'] }, moved, undefined],
  ['one for an unchanged custom field', { changedFields: ['customFields.plan'] }, moved, 'FIELDS'],
  ['fields of a creation', { changedFields: ['title'] }, change({ operation: ChangeOperation.CREATE }), undefined],
  ['a gap of the log', {}, change({ operation: ChangeOperation.GAP }), 'OPERATION'],
] as const)('%s', (_, given, of, expected) => {
  expect(mismatchOf(trigger(given as Partial<RecordTrigger>), changeFacts(of))).toBe(expected);
});

test('the filter counts after the change, the other one before it, and a new record met none', () => {
  const around = {
    before: { id: '1' },
    after: { id: '1' },
    meetsBefore: (filter: string) => filter === 'old',
    meetsAfter: (filter: string) => filter === 'new',
  };

  expect(recordMismatch(trigger({ filter: 'new', beforeFilter: 'old' }), around)).toBeUndefined();
  expect(recordMismatch(trigger({ filter: 'old' }), around)).toBe('FILTER');
  expect(recordMismatch(trigger({ beforeFilter: 'new' }), around)).toBe('BEFORE_FILTER');
});

test('a trigger for a custom object matches records of that object only', () => {
  const around = { before: undefined, meetsBefore: () => true, meetsAfter: () => true };
  const subscriptions = trigger({ type: 'objectRecord/subscription' });

  expect(recordMismatch(subscriptions, { ...around, after: { object: 'subscription' } })).toBeUndefined();
  expect(recordMismatch(subscriptions, { ...around, after: { object: 'site' } })).toBe('TYPE');
});

test('before has the changed fields of an update, and the whole of a record that was removed', () => {
  const before = { stage: 'new', title: 'Big' };

  expect(changedBefore({ before }, changeFacts(change({ changedFields: ['stage'] })))).toEqual({ stage: 'new' });
  expect(changedBefore({ before }, changeFacts(change({ operation: ChangeOperation.DELETE })))).toEqual(before);
});
