/** What a fault is, for programs. */
export type FaultReason =
  | 'BAD_FORMAT'
  | 'COUNT_AFTER_COMPLETION'
  | 'DUPLICATE'
  | 'END_BEFORE_START'
  | 'INVALID_COMBINATION'
  | 'INVALID_RULE'
  | 'NEVER_OCCURS'
  | 'SKIPPED_TIME'
  | 'TIME_ZONE_UNKNOWN'
  | 'TOO_MANY_ITEMS'
  | 'TOO_MANY_TIMES'
  | 'UNKNOWN_VALUE'
  | 'UNSUPPORTED_FREQUENCY'
  | 'UNSUPPORTED_RULE'
  | 'WINDOWS_OVERLAP'
  | 'YEAR_OUT_OF_RANGE';

/** Why a calendar or a recurrence is refused. */
export interface Fault {
  /** Path of the field, such as `weekly[2].closes`. */
  field: string;
  reason: FaultReason;
  /** A sentence. */
  message: string;
}
