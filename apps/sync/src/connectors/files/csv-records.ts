import { pipeline, Readable } from 'node:stream';
import { CsvLineCounter } from '@rapport/platform';
import { CsvError, parse } from 'csv-parse';
import { configurationError, ConnectorError } from '../connector-error.js';
import { maxRecordSize, type FileRecord, type UnreadableRecord } from './file-record.js';

interface Row {
  cells: string[];
  line: number;
}

/** The rows of CSV (RFC 4180) as records; the first row names the fields. An empty cell is an absent value. */
export async function* csvRecords(
  texts: AsyncIterable<string>,
  { delimiter, idField }: { delimiter: string; idField?: string },
): AsyncGenerator<FileRecord | UnreadableRecord> {
  let names: string[] | undefined;
  for await (const { cells, line } of csvRows(texts, delimiter)) {
    if (names) yield csvRecord(names, cells, line, idField);
    else names = header(cells, idField);
  }
}

/** The names of the columns; empty for an empty file. */
export async function csvColumns(texts: AsyncIterable<string>, delimiter: string): Promise<string[]> {
  for await (const { cells } of csvRows(texts, delimiter)) return header(cells, undefined);
  return [];
}

async function* csvRows(texts: AsyncIterable<string>, delimiter: string): AsyncGenerator<Row> {
  const parser = parse({
    delimiter,
    raw: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: maxRecordSize,
  });
  pipeline(Readable.from(texts), parser, () => undefined);
  const lines = new CsvLineCounter();
  try {
    for await (const { record, raw } of parser as AsyncIterable<{ record: string[]; raw: string }>) {
      const line = lines.advance(raw);
      if (record.some((cell) => cell.trim() !== '')) yield { cells: record, line };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    // The parser reads ahead, so the line is approximate.
    throw new ConnectorError('INVALID', `The CSV can't be read near line ${lines.passed + 1}: ${error.code}.`, {
      cause: error,
    });
  }
}

function header(cells: string[], idField: string | undefined): string[] {
  const names = cells.map((name) => name.trim());
  if (idField !== undefined && !names.includes(idField)) {
    throw configurationError('/idField', { reason: 'NOT_FOUND', description: 'The file has no such column.' });
  }
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new ConnectorError('INVALID', 'Two columns of the file have the same name.');
  return names;
}

function csvRecord(
  names: string[],
  cells: string[],
  line: number,
  idField: string | undefined,
): FileRecord | UnreadableRecord {
  if (cells.length !== names.length) {
    const reason = cells.length > names.length ? 'TOO_MANY_CELLS' : 'TOO_FEW_CELLS';
    return { line, reason, message: `The row has ${cells.length} cells, the header ${names.length}.` };
  }
  const values = names.map((name, index) => [name, cells[index] ?? ''] as const);
  const fields = Object.fromEntries(values.filter(([name, value]) => name !== '' && value !== ''));
  const id = idField === undefined ? undefined : (fields[idField] ?? '');
  return { line, id, fields, content: JSON.stringify(fields), issues: [] };
}
