import { pipeline, Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { CsvError, parse, type Options } from 'csv-parse';
import { CsvLineCounter, withoutFormulaGuard } from '@rapport/platform';
import { fileError } from './file-error.js';
import { maxColumns, maxRowSize, rowTooLarge, tooManyColumns, type FilePart } from './file-row.js';

interface CsvRecord {
  cells: string[];
  line: number;
  size: number;
}

/**
 * Characters that are parsed at once, and rows without any value that are skipped at once: nothing but rows with values reaches
 * the reader of the file, which leaves time for other work.
 */
const atOnce = { characters: 16_384, rows: 1_000 };

/**
 * The rows of a CSV file (RFC 4180) whose first row names the columns. The delimiter is comma, semicolon or tab: the
 * most frequent one in the first line. Rows without any value are skipped.
 *
 * @throws AppError INVALID_ARGUMENT when a row is too long or a quote is not closed: the rest can't be parsed
 */
export async function* readCsv(texts: AsyncIterable<string>): AsyncGenerator<FilePart> {
  const lines = new CsvLineCounter();
  let header: string[] | undefined;
  let skipped = 0;
  try {
    for await (const { cells, line, size } of csvRecords(texts, lines)) {
      if (cells.every((cell) => cell.trim() === '')) {
        skipped += 1;
        if (skipped % atOnce.rows === 0) await setImmediate();
      } else if (header) yield readRow(header, cells, line, size);
      else yield { columns: (header = readHeader(cells)) };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw fileError('CSV_INVALID', `can't be read from the row after line ${lines.passed} on: is a quote not closed?`);
  }
}

/** csv-parse's result per row: its cells and all text read since the previous row. */
interface RawRecord {
  record: string[];
  raw: string;
}

async function* csvRecords(texts: AsyncIterable<string>, lines: CsvLineCounter): AsyncGenerator<CsvRecord> {
  const { delimiter, all } = await guessDelimiter(boundLines(texts));
  const countLines = ({ record, raw }: RawRecord): CsvRecord => ({
    cells: record,
    line: lines.advance(raw),
    size: raw.length,
  });
  const parser = parse({
    delimiter,
    raw: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: maxRowSize,
    // Called during parsing: on a failure, the records read so far are lost, but counted. Its type lacks `raw`.
    on_record: countLines as unknown as Options['on_record'],
  });
  // The parser is destroyed with the error of its source, which the loop below then throws.
  pipeline(Readable.from(all), parser, () => undefined);
  for await (const record of parser) yield record as CsvRecord;
}

/** csv-parse bounds the text of a row, not its number of cells; a bounded line bounds both. */
async function* boundLines(texts: AsyncIterable<string>): AsyncGenerator<string> {
  let length = 0;
  for await (const text of texts) {
    const first = text.search(/[\r\n]/);
    if (length + (first < 0 ? text.length : first) > maxRowSize)
      throw fileError(rowTooLarge.reason, 'has a line of more than 1 MiB.');
    length =
      first < 0 ? length + text.length : text.length - 1 - Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r'));
    for (let start = 0; start < text.length;) {
      const end = start + atOnce.characters;
      // The parser makes bytes of each part: half a character would be lost.
      const isHalf = /[\ud800-\udbff]/.test(text.charAt(end - 1));
      yield text.slice(start, isHalf ? end + 1 : end);
      start = isHalf ? end + 1 : end;
    }
  }
}

async function guessDelimiter(
  texts: AsyncGenerator<string>,
): Promise<{ delimiter: string; all: AsyncGenerator<string> }> {
  let start = '';
  for (;;) {
    const next = await texts.next();
    if (next.done) break;
    start += next.value;
    // Blank lines before the first row are skipped, as everywhere in a file.
    const text = start.trimStart();
    if (/[\r\n]/.test(text)) break;
    if (start.length - text.length > maxRowSize)
      throw fileError(rowTooLarge.reason, 'begins with more than 1 MiB of blanks.');
  }
  const [firstLine = ''] = start.trimStart().split(/[\r\n]/, 1);
  const unquoted = firstLine.replace(/"[^"]*"/g, '');
  const count = (delimiter: string) => unquoted.split(delimiter).length;
  const delimiter = [';', '\t'].reduce((best, next) => (count(next) > count(best) ? next : best), ',');
  return {
    delimiter,
    all: (async function* () {
      yield start;
      yield* texts;
    })(),
  };
}

function readHeader(record: string[]): string[] {
  if (record.length > maxColumns)
    throw fileError(tooManyColumns.reason, `must not have more than ${maxColumns} columns.`);
  return record.map((name) => name.trim());
}

function readRow(header: string[], record: string[], line: number, size: number): FilePart {
  if (record.length === header.length)
    return { line, cells: record.map((value, index) => [header[index] ?? '', withoutFormulaGuard(value)]), size };
  const message = `The row has ${record.length} cells, the header ${header.length}.`;
  return { line, problem: { reason: record.length > header.length ? 'TOO_MANY_CELLS' : 'TOO_FEW_CELLS', message } };
}
