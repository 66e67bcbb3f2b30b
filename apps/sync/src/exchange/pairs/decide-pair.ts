import type { Side } from '../mappings/mapping-views.js';

/** What is at one side of a pair. */
export interface SideState {
  isThere: boolean;
  /** Whether it is other than when both last agreed. */
  isChanged: boolean;
}

export interface Pair {
  customer: SideState;
  record: SideState;
  /** Whether each was there when both last agreed: undefined for a record that never had the other one. */
  isLinked: boolean;
  isApart: boolean;
  /** The customer does not meet the filter of the mapping, or did not when it was deleted. */
  isLeftOut: boolean;
  direction: 'BOTH' | 'TO_CUSTOMERS' | 'TO_PEER';
  deletePolicy: 'PROPAGATE' | 'KEEP';
  policy: string;
  choice?: Side | undefined;
}

export type PairAction =
  | 'NONE'
  /** Both stay as they are until the customer meets the filter. */
  | 'LEAVE_OUT'
  | 'MERGE'
  | 'CREATE_CUSTOMER'
  | 'CREATE_RECORD'
  | 'DELETE_CUSTOMER'
  | 'DELETE_RECORD'
  /** The deleted one comes back, since the other was changed. */
  | 'RESTORE_CUSTOMER'
  | 'RESTORE_RECORD'
  /** A person has to decide between a change and a delete. */
  | 'CONFLICT'
  /** The one that is left stays alone. */
  | 'SET_APART'
  /** Both are gone. */
  | 'FORGET';

/** What to do about a pair, before its fields are looked at. */
export function decidePair(pair: Pair): PairAction {
  const { customer, record, isLinked, isApart, isLeftOut, direction } = pair;
  if (customer.isThere && record.isThere) return isLeftOut ? 'LEAVE_OUT' : 'MERGE';
  if (!customer.isThere && !record.isThere) return 'FORGET';
  if (isApart) return 'NONE';
  const source = record.isThere ? ('PEER' as const) : ('CUSTOMER' as const);
  if (!isLinked && isLeftOut && customer.isThere) return 'LEAVE_OUT';
  if (!isLinked) return mayFlow(direction, source) ? create(source) : 'NONE';
  return afterDelete(pair, source);
}

function create(source: Side): PairAction {
  return source === 'PEER' ? 'CREATE_CUSTOMER' : 'CREATE_RECORD';
}

/** @param left the side that is still there */
function afterDelete(pair: Pair, left: Side): PairAction {
  const { direction, deletePolicy, policy, choice, isLeftOut } = pair;
  const deleted = left === 'PEER' ? 'CUSTOMER' : 'PEER';
  // A delete goes no other way than the rest does.
  if (isLeftOut || deletePolicy === 'KEEP' || !mayFlow(direction, deleted)) return 'SET_APART';
  const isChanged = left === 'PEER' ? pair.record.isChanged : pair.customer.isChanged;
  const remove = left === 'PEER' ? 'DELETE_RECORD' : 'DELETE_CUSTOMER';
  const restore = left === 'PEER' ? 'RESTORE_CUSTOMER' : 'RESTORE_RECORD';
  const winner = choice ?? (policy === 'CUSTOMER' || policy === 'PEER' ? policy : undefined);
  if (!isChanged) return remove;
  if (winner === undefined) return 'CONFLICT';
  return winner === left ? restore : remove;
}

/** @param source the side that something comes from */
function mayFlow(direction: Pair['direction'], source: Side): boolean {
  return direction === 'BOTH' || direction === (source === 'PEER' ? 'TO_CUSTOMERS' : 'TO_PEER');
}
