import { expect, it } from 'vitest';
import { decidePair, type Pair, type PairAction } from './decide-pair.js';

const gone = { isThere: false, isChanged: false };
const same = { isThere: true, isChanged: false };
const changed = { isThere: true, isChanged: true };
const pair = (more: Partial<Pair>): Pair => ({
  ...{ customer: same, record: same, isLinked: true, isApart: false, isLeftOut: false, isLost: false },
  ...{ direction: 'BOTH', deletePolicy: 'PROPAGATE', policy: 'MANUAL' },
  ...more,
});

it.each<[string, Partial<Pair>, PairAction]>([
  ['merges what is on both sides', {}, 'MERGE'],
  ['forgets what is on none', { customer: gone, record: gone }, 'FORGET'],
  ['creates the customer of a new record', { customer: gone, isLinked: false }, 'CREATE_CUSTOMER'],
  ['creates the record of a new customer', { record: gone, isLinked: false }, 'CREATE_RECORD'],
  ['creates nothing against the direction', { record: gone, isLinked: false, direction: 'TO_CUSTOMERS' }, 'NONE'],
  ['deletes the record of a deleted customer', { customer: gone }, 'DELETE_RECORD'],
  ['deletes the customer of a deleted record', { record: gone }, 'DELETE_CUSTOMER'],
  ['asks when a record was changed whose customer was deleted', { customer: gone, record: changed }, 'CONFLICT'],
  [
    'brings the customer back when its record was changed and counts',
    { customer: gone, record: changed, policy: 'PEER' },
    'RESTORE_CUSTOMER',
  ],
  [
    'deletes a changed record when the customer counts',
    { customer: gone, record: changed, policy: 'CUSTOMER' },
    'DELETE_RECORD',
  ],
  [
    'brings the record back when a person says so',
    { record: gone, customer: changed, choice: 'CUSTOMER' },
    'RESTORE_RECORD',
  ],
  ['leaves alone what is not to be deleted', { customer: gone, deletePolicy: 'KEEP' }, 'SET_APART'],
  ['deletes nothing against the direction', { customer: gone, direction: 'TO_CUSTOMERS' }, 'SET_APART'],
  ['does nothing about what stays alone', { customer: gone, isApart: true }, 'NONE'],
  ['creates a lost customer again', { customer: gone, isLost: true, deletePolicy: 'KEEP' }, 'CREATE_CUSTOMER'],
  ['deletes no record of a lost customer', { customer: gone, isLost: true, direction: 'TO_PEER' }, 'SET_APART'],
  ['creates no lost customer that is left out', { customer: gone, isLost: true, isLeftOut: true }, 'SET_APART'],
  ['merges nothing that is left out', { record: changed, isLeftOut: true }, 'LEAVE_OUT'],
  ['creates no record of what is left out', { record: gone, isLinked: false, isLeftOut: true }, 'LEAVE_OUT'],
  ['deletes no record of what is left out', { customer: gone, isLeftOut: true }, 'SET_APART'],
  ['deletes no customer that is left out', { record: gone, isLeftOut: true, policy: 'PEER' }, 'SET_APART'],
])('%s', (_what, given, action) => {
  expect(decidePair(pair(given))).toBe(action);
});
