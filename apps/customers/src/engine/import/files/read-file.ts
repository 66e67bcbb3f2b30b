import { createDecoder, decodeText } from './decode-text.js';
import { fileError } from './file-error.js';
import type { FilePart } from './file-row.js';
import { readCsv } from './read-csv.js';
import { readJsonArray } from './read-json-array.js';
import { readNdjson } from './read-ndjson.js';

const readers = new Map<string, (texts: AsyncIterable<string>) => AsyncIterable<FilePart>>([
  ['text/csv', readCsv],
  ['application/x-ndjson', readNdjson],
  ['application/json', readJsonArray],
]);

/**
 * The rows of a file by its content type, which may name a charset.
 *
 * @param pieces the file's bytes in arbitrary chunks
 * @throws AppError INVALID_ARGUMENT field `file` for an unsupported content type or charset, and for a malformed file
 */
export function readFile(contentType: string, pieces: AsyncIterable<Uint8Array>): AsyncIterable<FilePart> {
  const { reader, charset } = checkContentType(contentType);
  return reader(decodeText(pieces, charset));
}

/** @throws AppError INVALID_ARGUMENT field `file` for an unsupported content type or charset */
export function checkContentType(contentType: string) {
  const [type = '', ...parameters] = contentType.split(';').map((part) => part.trim().toLowerCase());
  const reader = readers.get(type);
  if (!reader) {
    throw fileError(
      'CONTENT_TYPE_UNSUPPORTED',
      `must have one of the content types ${[...readers.keys()].join(', ')}.`,
    );
  }
  const named = parameters.find((parameter) => parameter.startsWith('charset='))?.slice('charset='.length);
  const charset = named?.replaceAll('"', '');
  createDecoder(charset);
  return { reader, charset };
}
