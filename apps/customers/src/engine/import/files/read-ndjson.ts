import { maxRowSize, rowTooLarge, type FileRow, type UnreadableRow } from './file-row.js';
import { parseJsonRow } from './parse-json-row.js';

/** The rows of newline-delimited JSON. Empty lines are skipped; a malformed line does not affect the others. */
export async function* readNdjson(texts: AsyncIterable<string>): AsyncGenerator<FileRow | UnreadableRow> {
  let line = 1;
  let begun = '';
  let tooLarge = false;
  const row = (text: string): (FileRow | UnreadableRow)[] => {
    if (tooLarge || text.length > maxRowSize) return [{ line, problem: rowTooLarge }];
    return text.trim() === '' ? [] : [parseJsonRow(text, line)];
  };
  for await (const text of texts) {
    const [first = '', ...rest] = text.split('\n');
    const pending = rest.pop();
    for (const ended of pending === undefined ? [] : [begun + first, ...rest]) {
      yield* row(ended);
      tooLarge = false;
      line += 1;
    }
    begun = pending ?? begun + first;
    if (begun.length > maxRowSize) [tooLarge, begun] = [true, ''];
  }
  yield* row(begun);
}
