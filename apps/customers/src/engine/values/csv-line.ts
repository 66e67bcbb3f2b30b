/** What divides the cells of a line. */
export type CsvDelimiter = ',' | ';';

/** One line of CSV with its line end (RFC 4180). */
export function csvLine(values: readonly string[], delimiter: CsvDelimiter = ','): string {
  return `${values.map((value) => csvCell(formulaSafe(value))).join(delimiter)}\r\n`;
}

/** Quoted for either delimiter, so that a file stays right when its delimiter is guessed. */
function csvCell(value: string): string {
  return /[",;\r\n]/.test(value) || value !== value.trim() ? `"${value.replaceAll('"', '""')}"` : value;
}

/** What a spreadsheet runs, signs of full width included, with any number of apostrophes before it. (OWASP, CSV Injection) */
const formula = /^'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

/**
 * An apostrophe before a formula makes it text. Numbers, phone numbers among them, do no harm. A text that begins with
 * apostrophes and would be taken for such a guarded one gets one more: `withoutFormulaGuard` takes exactly that one off.
 */
function formulaSafe(value: string): string {
  return formula.test(value) && !/^[+-]?[\d][\d .()/-]*$/.test(value) ? `'${value}` : value;
}

/** A text as it was before it was written to a cell of CSV. */
export function withoutFormulaGuard(text: string): string {
  return text.startsWith("'") && formula.test(text) ? text.slice(1) : text;
}
