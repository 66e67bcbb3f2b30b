import { TextDecoder } from 'node:util';
import { fileError } from './file-error.js';

/**
 * Decodes the text of a file that arrives in arbitrary chunks, without its byte order mark.
 *
 * @param charset from the content type
 * @throws AppError INVALID_ARGUMENT when the bytes are not text of the charset, or the file is empty
 */
export async function* decodeText(pieces: AsyncIterable<Uint8Array>, charset = 'utf-8'): AsyncGenerator<string> {
  const decoder = createDecoder(charset);
  let blank = true;
  for await (const piece of pieces) {
    const text = decode(decoder, charset, piece);
    blank &&= text.trim() === '';
    if (text !== '') yield text;
  }
  decode(decoder, charset);
  if (blank) throw fileError('FILE_EMPTY', 'must not be empty.');
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
