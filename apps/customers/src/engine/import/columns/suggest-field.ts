import { cellText } from '../rows/cell-value.js';
import { countryCode } from '../../../domain/customers/import/country-code.js';
import type { ImportField } from '../../../domain/customers/import/import-target.js';

/** Values of a column that are looked at. */
const sampleSize = 200;

/** Share of them that must look like values of the field. */
const leastShare = 0.9;

const looks: [field: ImportField, isLike: (text: string) => boolean][] = [
  ['email', (text) => /^[^\s@,;"]+@[^\s@,;".]+(\.[^\s@,;".]+)+$/.test(text)],
  ['phone', (text) => /^(\+|00?)[\d ()./-]{6,24}$/.test(text) && text.replace(/\D/g, '').length >= 7],
  ['domain', (text) => /^(https?:\/\/)?([a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}(\/\S*)?$/i.test(text)],
  // Codes of two letters are too often something else.
  ['country', (text) => text.length > 3 && text.length <= 60 && countryCode(text) !== undefined],
];

/** The first values of a column whose name says nothing, and the field that they look like. */
export class ColumnSample {
  #values = 0;
  readonly #like = new Map<ImportField, number>();

  add(value: unknown): void {
    if (this.#values >= sampleSize) return;
    const text = cellText(value);
    if (text === undefined) return;
    this.#values += 1;
    for (const [field, isLike] of looks) {
      if (text !== null && isLike(text)) this.#like.set(field, (this.#like.get(field) ?? 0) + 1);
    }
  }

  get field(): ImportField | undefined {
    return looks.find(([field]) => (this.#like.get(field) ?? 0) >= Math.max(1, leastShare * this.#values))?.[0];
  }
}
