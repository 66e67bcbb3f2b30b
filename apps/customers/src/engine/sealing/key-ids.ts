import { v7 as uuidv7 } from 'uuid';

/** Characters of a UUID that count: its last four bytes. */
const counted = 8;

/** Ids of keys that are consecutive, so that any number of keys can be named by their range. */
export class KeyIds {
  readonly #prefix = uuidv7().slice(0, -counted);
  #count = 0;

  /** How many ids were taken. */
  get count(): number {
    return this.#count;
  }

  next(): string {
    const id = this.at(this.#count);
    this.#count += 1;
    return id;
  }

  /** @param index from 0 */
  at(index: number): string {
    return this.#prefix + index.toString(16).padStart(counted, '0');
  }
}
