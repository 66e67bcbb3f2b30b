import { TextDecoder } from 'node:util';
import { fileError } from './file-error.js';

/** Byte order marks of UTF-16. That of UTF-8 is skipped by its decoder. */
const marks = [
  { charset: 'utf-16le', bytes: Buffer.from([0xff, 0xfe]) },
  { charset: 'utf-16be', bytes: Buffer.from([0xfe, 0xff]) },
];

/**
 * Decodes the text of a file that arrives in arbitrary chunks, without its byte order mark. As in browsers, the mark
 * takes precedence over the content type (https://encoding.spec.whatwg.org/#decode).
 *
 * @param named from the content type
 * @throws AppError INVALID_ARGUMENT when the bytes are not text of the charset, or the file is empty
 */
export async function* decodeText(pieces: AsyncIterable<Uint8Array>, named = 'utf-8'): AsyncGenerator<string> {
  let charset = named;
  let decoder = createDecoder(charset);
  let blank = true;
  let isStart = true;
  for await (const piece of withWholeMark(pieces)) {
    if (isStart) {
      charset = marks.find(({ bytes }) => bytes.equals(piece.subarray(0, bytes.length)))?.charset ?? named;
      decoder = createDecoder(charset);
      isStart = false;
    }
    const text = decode(decoder, charset, piece);
    blank &&= text.trim() === '';
    if (text !== '') yield text;
  }
  decode(decoder, charset);
  if (blank) throw fileError('FILE_EMPTY', 'must not be empty.');
}

/** The pieces of a file, the first of which contains the whole mark. */
async function* withWholeMark(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let start = Buffer.alloc(0);
  for await (const piece of pieces) {
    if (start.length >= 2) yield piece;
    else {
      start = Buffer.concat([start, piece]);
      if (start.length >= 2) yield start;
    }
  }
  if (start.length < 2) yield start;
}

/** @throws AppError INVALID_ARGUMENT for an unknown charset */
export function createDecoder(charset = 'utf-8'): TextDecoder {
  try {
    return new TextDecoder(charset, { fatal: true });
  } catch (error) {
    if (error instanceof RangeError) throw fileError('CHARSET_UNSUPPORTED', `has the unknown charset ${charset}.`);
    throw error;
  }
}

/** Without a piece: flushes at the end of the file, which must not be within a character. */
function decode(decoder: TextDecoder, charset: string, piece?: Uint8Array): string {
  try {
    return piece ? decoder.decode(piece, { stream: true }) : decoder.decode();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw fileError(
      'ENCODING_INVALID',
      `is not ${charset} text. Save it as UTF-8, or name its charset in the content type, such as text/csv; charset=windows-1252.`,
    );
  }
}
