/** The id of a row, from the texts of the columns that it is known by: of one its text, of several a JSON list of them. */
export function rowId(texts: readonly string[]): string {
  const [only = ''] = texts;
  return texts.length === 1 ? only : JSON.stringify(texts);
}

/** The texts of a row's id; undefined for what is the id of no row of such a table. @param count of the columns */
export function rowIdTexts(id: string, count: number): string[] | undefined {
  if (count === 1) return [id];
  const texts = parsed(id);
  const isId = Array.isArray(texts) && texts.length === count && texts.every((text) => typeof text === 'string');
  // One row has one id, however else a list may be written.
  return isId && rowId(texts) === id ? texts : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
