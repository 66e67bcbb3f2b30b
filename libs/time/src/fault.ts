/** Why a calendar or a recurrence is refused. */
export interface Fault {
  /** Path of the field, such as `weekly[2].closes`. */
  field: string;
  /** Stable, such as `WINDOWS_OVERLAP`. */
  reason: string;
  /** A sentence. */
  message: string;
}
