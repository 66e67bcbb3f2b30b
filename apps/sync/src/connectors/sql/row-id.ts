/** The id of a row from the texts of its id columns: the text of a single column, or a JSON list of several. */
export function rowId(texts: readonly string[]): string {
  const [only = ''] = texts;
  return texts.length === 1 ? only : JSON.stringify(texts);
}

/** The texts of a row's id; undefined for a text that is no id in such a table. @param count number of id columns */
export function rowIdTexts(id: string, count: number): string[] | undefined {
  if (count === 1) return [id];
  const texts = parsed(id);
  const isId = Array.isArray(texts) && texts.length === count && texts.every((text) => typeof text === 'string');
  // A row has one id, though JSON can be formatted in several ways.
  return isId && rowId(texts) === id ? texts : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
