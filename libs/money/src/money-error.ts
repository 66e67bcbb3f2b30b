/** What is wrong with an amount, a line or a document. */
export interface MoneyViolation {
  /** Path within what was given, such as `lines[2].quantity`. */
  field: string;
  /** In upper snake case, such as BAD_FORMAT or OUT_OF_RANGE. */
  reason: string;
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

export function refused(field: string, reason: string, description: string): MoneyError {
  return new MoneyError([{ field, reason, description }]);
}
