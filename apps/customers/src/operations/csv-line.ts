/**
 * A row of a CSV file (RFC 4180) that a spreadsheet shows as text: what it would take for a formula gets an apostrophe
 * ahead of it. Source: OWASP, CSV injection.
 */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

function csvCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
