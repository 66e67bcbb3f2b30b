/** One line of CSV with its line end (RFC 4180). */
export function csvLine(values: readonly string[]): string {
  return `${values.map((value) => csvCell(formulaSafe(value))).join(',')}\r\n`;
}

function csvCell(value: string): string {
  return /[",\r\n]/.test(value) || value !== value.trim() ? `"${value.replaceAll('"', '""')}"` : value;
}

/**
 * A spreadsheet runs what begins with one of these characters; an apostrophe before it makes it text. Numbers, phone
 * numbers among them, do no harm. (OWASP, CSV Injection)
 */
function formulaSafe(value: string): string {
  return /^[=+\-@\t\r]/.test(value) && !/^[+-]?[\d][\d .()/-]*$/.test(value) ? `'${value}` : value;
}
