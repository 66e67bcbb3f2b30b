import { AppError } from '@rapport/platform';
import type { Conflict } from '../links/conflict-store.js';
import type { LeftOut } from './left-out.js';
import type { RefusedField } from './refused-fields.js';

/** The outcome of a write to one side of a pair. */
export type Written =
  /** `leftOut` has the items of lists that the other side does not take. */
  | { outcome: 'DONE'; leftOut?: LeftOut }
  /** The side has changed since it was read. Nothing was written. */
  | { outcome: 'STALE' }
  /** None of the values fits the other side. */
  | { outcome: 'NOTHING' }
  /** The side does not take the write. `fields` are the fields at fault, when leaving them out is enough. */
  | { outcome: 'REFUSED'; conflict: Conflict; fields?: RefusedField[] };

export const done: Written = { outcome: 'DONE' };
export const stale: Written = { outcome: 'STALE' };

export function isCode(error: unknown, ...codes: AppError['code'][]): error is AppError {
  return error instanceof AppError && codes.includes(error.code);
}
