/** The separator of items in one cell, by field. A phone number may contain a comma. */
export const itemSeparators = {
  email: /[;,\s]+/,
  phone: /[;\n]| ::: /,
  domain: /[;,\n]| ::: /,
  tag: /[;,\n]| ::: /,
  choice: /;/,
} as const;

/**
 * The items between separators. A quoted item, with doubled quotation marks inside, ends at the quotation mark before a
 * separator or the end; other quotation marks are text.
 */
export function splitItems(text: string, separator: RegExp): string[] {
  if (!text.includes('"')) return text.split(separator);
  const quoted = new RegExp(`[^\\S\\n]*"([^"]*(?:""[^"]*)*)"[^\\S\\n]*(?:(${separator.source})|$)`, 'y');
  const next = new RegExp(separator.source, 'g');
  const items: string[] = [];
  for (let start = 0; ;) {
    quoted.lastIndex = start;
    const match = quoted.exec(text);
    if (match) items.push((match[1] ?? '').replaceAll('""', '"'));
    next.lastIndex = start;
    const end = match ?? next.exec(text);
    if (!match) items.push(text.slice(start, end?.index ?? text.length));
    if (!end || (match && match[2] === undefined)) return items;
    start = match ? quoted.lastIndex : next.lastIndex;
  }
}

/** Items in one cell, in the format of `splitItems`. */
export function joinItems(items: readonly string[], separator: RegExp, joint = '\n'): string {
  return items
    .map((item) => (item.startsWith('"') || separator.test(item) ? `"${item.replaceAll('"', '""')}"` : item))
    .join(joint);
}
