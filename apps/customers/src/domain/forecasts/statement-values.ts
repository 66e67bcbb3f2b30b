/** The values of a statement that is composed of parts. */
export class Values {
  readonly all: unknown[] = [];

  /** @returns the parameter of a value, such as `$1` */
  add(value: unknown): string {
    return `$${this.all.push(value)}`;
  }
}
