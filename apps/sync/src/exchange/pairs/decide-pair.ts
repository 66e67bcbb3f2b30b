import type { Side } from '../mappings/mapping-views.js';

/** State of one side of a pair. */
export interface SideState {
  isThere: boolean;
  /** Whether it has changed since both last agreed. */
  isChanged: boolean;
}

export interface Pair {
  customer: SideState;
  record: SideState;
  /** Whether each existed when both last agreed; undefined for a record that never had a customer. */
  isLinked: boolean;
  isApart: boolean;
  /** The customer does not match the filter of the mapping, or did not when it was deleted. */
  isLeftOut: boolean;
  /** The customer was never deleted: a database that was restored from a backup lacks it. */
  isLost: boolean;
  direction: 'BOTH' | 'TO_CUSTOMERS' | 'TO_PEER';
  deletePolicy: 'PROPAGATE' | 'KEEP';
  policy: string;
  choice?: Side | undefined;
}

export type PairAction =
  | 'NONE'
  /** Both stay unchanged until the customer matches the filter. */
  | 'LEAVE_OUT'
  | 'MERGE'
  | 'CREATE_CUSTOMER'
  | 'CREATE_RECORD'
  | 'DELETE_CUSTOMER'
  | 'DELETE_RECORD'
  /** Restores the deleted side, because the other was changed. */
  | 'RESTORE_CUSTOMER'
  | 'RESTORE_RECORD'
  /** Conflict between a change and a delete. */
  | 'CONFLICT'
  /** The remaining side stays without a pair. */
  | 'SET_APART'
  /** Both sides are deleted. */
  | 'FORGET';

/** The step for a pair, before its fields are compared. */
export function decidePair(pair: Pair): PairAction {
  const { customer, record, isLinked, isApart, isLeftOut, direction } = pair;
  if (customer.isThere && record.isThere) return isLeftOut ? 'LEAVE_OUT' : 'MERGE';
  if (!customer.isThere && !record.isThere) return 'FORGET';
  if (isApart) return 'NONE';
  const source = record.isThere ? ('PEER' as const) : ('CUSTOMER' as const);
  if (!isLinked && isLeftOut && customer.isThere) return 'LEAVE_OUT';
  if (!isLinked) return mayFlow(direction, source) ? create(source) : 'NONE';
  return pair.isLost ? afterLoss(pair) : afterDelete(pair, source);
}

/** The record is all that is left of the pair. */
function afterLoss({ direction, isLeftOut }: Pair): PairAction {
  return !isLeftOut && mayFlow(direction, 'PEER') ? 'CREATE_CUSTOMER' : 'SET_APART';
}

function create(source: Side): PairAction {
  return source === 'PEER' ? 'CREATE_CUSTOMER' : 'CREATE_RECORD';
}

/** @param left the side that still exists */
function afterDelete(pair: Pair, left: Side): PairAction {
  const { direction, deletePolicy, policy, choice, isLeftOut } = pair;
  const deleted = left === 'PEER' ? 'CUSTOMER' : 'PEER';
  // Deletes propagate in the direction of the mapping only.
  if (isLeftOut || deletePolicy === 'KEEP' || !mayFlow(direction, deleted)) return 'SET_APART';
  const isChanged = left === 'PEER' ? pair.record.isChanged : pair.customer.isChanged;
  const remove = left === 'PEER' ? 'DELETE_RECORD' : 'DELETE_CUSTOMER';
  const restore = left === 'PEER' ? 'RESTORE_CUSTOMER' : 'RESTORE_RECORD';
  const winner = choice ?? (policy === 'CUSTOMER' || policy === 'PEER' ? policy : undefined);
  if (!isChanged) return remove;
  if (winner === undefined) return 'CONFLICT';
  return winner === left ? restore : remove;
}

/** @param source the side that values come from */
function mayFlow(direction: Pair['direction'], source: Side): boolean {
  return direction === 'BOTH' || direction === (source === 'PEER' ? 'TO_CUSTOMERS' : 'TO_PEER');
}
