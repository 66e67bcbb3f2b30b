/** What a violation is, for programs. */
export type MoneyFault =
  | 'BAD_FORMAT'
  | 'DISCOUNT_TOO_LARGE'
  | 'NO_MINOR_UNIT'
  | 'OUT_OF_RANGE'
  | 'RATE_NOT_ZERO'
  | 'SUM_NOT_100'
  | 'TOO_MANY_DIGITS'
  | 'TOTAL_TOO_LARGE';

/** What is wrong with an amount, a line or a document. */
export interface MoneyViolation {
  /** Path within what was given, such as `lines[2].quantity`. */
  field: string;
  reason: MoneyFault;
  /** Follows the name of the field: "must be …". */
  description: string;
}

/** Thrown instead of a figure that would not be exact. Callers answer its violations as those of their request. */
export class MoneyError extends Error {
  constructor(readonly violations: readonly MoneyViolation[]) {
    super(violations.map(({ field, description }) => `${field} ${description}`).join('; '));
    this.name = 'MoneyError';
  }
}

export function refused(field: string, reason: MoneyFault, description: string): MoneyError {
  return new MoneyError([{ field, reason, description }]);
}
