import { AppError } from '@rapport/platform';
import type { ByteRange } from '../../engine/files/file-store.js';

/**
 * The bytes that a header Range requests (RFC 9110, section 14). Undefined, for the whole file, when the header is
 * malformed, of another unit or has several ranges, as the section allows.
 *
 * @throws AppError OUT_OF_RANGE RANGE_NOT_SATISFIABLE when the file has no byte of the range
 */
export function byteRange(range: string | undefined, sizeBytes: number): ByteRange | undefined {
  const [, first, last] = /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/i.exec(range ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  const from = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const to = first === '' || last === '' ? sizeBytes : Math.min(sizeBytes, Number(last) + 1);
  if (from < to) return { from, to };
  throw new AppError(
    'OUT_OF_RANGE',
    'RANGE_NOT_SATISFIABLE',
    `The file has ${sizeBytes} bytes, none of them in the range.`,
    {
      metadata: { sizeBytes: String(sizeBytes) },
    },
  );
}
