import type { JsonObject } from '../peer-record.js';
import { maxRecordSize, type FileRecord, type UnreadableRecord } from './file-record.js';

/** The lines of newline-delimited JSON as records. Empty lines are skipped; an unreadable line does not stop the others. */
export async function* ndjsonRecords(
  texts: AsyncIterable<string>,
  idField: string | undefined,
): AsyncGenerator<FileRecord | UnreadableRecord> {
  for await (const { text, line } of lines(texts)) {
    if (text === undefined) {
      yield { line, reason: 'RECORD_TOO_LARGE', message: `The line has more than ${maxRecordSize} characters.` };
    } else if (text.trim() !== '') yield ndjsonRecord(text, line, idField);
  }
}

/** A line that is too long has no text. */
async function* lines(texts: AsyncIterable<string>): AsyncGenerator<{ text: string | undefined; line: number }> {
  let line = 1;
  let begun: string | undefined = '';
  for await (const text of texts) {
    const [first = '', ...rest] = text.split('\n');
    begun = bounded(begun, first);
    for (const next of rest) {
      yield { text: begun, line };
      line += 1;
      begun = bounded('', next);
    }
  }
  yield { text: begun, line };
}

function bounded(begun: string | undefined, more: string): string | undefined {
  return begun === undefined || begun.length + more.length > maxRecordSize ? undefined : begun + more;
}

function ndjsonRecord(text: string, line: number, idField: string | undefined): FileRecord | UnreadableRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { line, reason: 'JSON_INVALID', message: 'The line is not JSON.' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { line, reason: 'JSON_NO_OBJECT', message: 'The line is JSON, but no object.' };
  }
  const fields = value as JsonObject;
  const id = idField === undefined ? undefined : idText(fields[idField]);
  return { line, id, fields, content: text.trim(), issues: [] };
}

function idText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
