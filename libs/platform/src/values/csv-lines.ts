/** What separates the cells of a line. */
export type CsvDelimiter = ',' | ';' | '\t';

interface CsvFormat {
  /** A comma unless it is given. */
  delimiter?: CsvDelimiter;
  /** False for files that only programs read: their cells keep texts that a spreadsheet would run as formulas. */
  guardsFormulas?: boolean;
}

/** One line of CSV with its line end (RFC 4180). */
export function csvLine(values: readonly string[], { delimiter = ',', guardsFormulas = true }: CsvFormat = {}): string {
  const texts = guardsFormulas ? values.map(withFormulaGuard) : values;
  return `${texts.map((text) => csvCell(text, delimiter)).join(delimiter)}\r\n`;
}

/** Quoted for a comma and a semicolon, so that a file stays right when its delimiter is guessed. */
function csvCell(text: string, delimiter: CsvDelimiter): string {
  const needsQuotes = /[",;\r\n]/.test(text) || text.includes(delimiter) || text !== text.trim();
  return needsQuotes ? `"${text.replaceAll('"', '""')}"` : text;
}

/** What a spreadsheet runs, fullwidth signs included, after any number of apostrophes. (OWASP, CSV Injection) */
const formula = /^'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

/**
 * An apostrophe before a formula makes it text. Numbers, including phone numbers such as `+86 10 6552 9988`, are harmless and stay.
 * A text that begins with apostrophes and looks guarded already gets one more: `withoutFormulaGuard` removes exactly that one.
 */
function withFormulaGuard(text: string): string {
  return formula.test(text) && !/^[+-]?[\d][\d .()/-]*$/.test(text) ? `'${text}` : text;
}

/** The text of a cell as it was before `csvLine` guarded it. */
export function withoutFormulaGuard(text: string): string {
  return text.startsWith("'") && formula.test(text) ? text.slice(1) : text;
}

/** Finds the lines of a file on which its rows start. csv-parse itself counts a CRLF within quotes as two lines. */
export class CsvLineCounter {
  #passed = 0;

  /** Lines up to the end of the last row. */
  get passed(): number {
    return this.#passed;
  }

  /** @returns the line on which the row starts, `raw` being all text from the end of the row before to its own end */
  advance(raw: string): number {
    const emptyLines = countLineEnds(/^(?:\r\n|\n|\r)*/.exec(raw)?.[0] ?? '');
    const line = this.#passed + emptyLines + 1;
    // Of a CRLF at the end of a row, csv-parse gives the first half only; the last row of a file may have no end.
    this.#passed += Math.max(countLineEnds(raw), emptyLines + 1);
    return line;
  }
}

function countLineEnds(text: string): number {
  return text.match(/\r\n|\n|\r/g)?.length ?? 0;
}
