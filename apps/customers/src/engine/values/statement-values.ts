/** The values of a statement that is composed of parts. */
export class Values {
  readonly all: unknown[] = [];

  /** @returns the parameter of a value, such as `$1` */
  add(value: unknown): string {
    return `$${this.all.push(value)}`;
  }
}

/** What the records are of. */
export interface Past {
  tenantId: string;
  /**
   * The records as of this time, in PostgreSQL's form: those that changed since then have their former values. Absent: the records as
   * they are.
   */
  since: string | undefined;
}
