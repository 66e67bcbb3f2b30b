/**
 * The format of a POSIX tar archive (ustar, POSIX.1-1988): blocks of 512 bytes; the first block of each file is its
 * header.
 */
const blockBytes = 512;

/** Largest size in the eleven octal digits of a header. */
const mostBytes = 8 ** 11 - 1;

/** A file in an archive. */
export interface TarEntry {
  name: string;
  sizeBytes: number;
}

/** Padding of a file in an archive, in bytes. */
export function paddingOf(sizeBytes: number): number {
  return (blockBytes - (sizeBytes % blockBytes)) % blockBytes;
}

export const tarHeaderBytes = blockBytes;

/** The end of an archive: two blocks of zeros. */
export const tarEnd = Buffer.alloc(2 * blockBytes);

/** The header of a regular file. @throws Error when it has no room for the name or the size */
export function tarHeader({ name, sizeBytes }: TarEntry, time: Date): Buffer {
  if (Buffer.byteLength(name) > 100 || sizeBytes > mostBytes) throw new Error(`${name} does not fit a tar header.`);
  const header = Buffer.alloc(blockBytes);
  const octal = (value: number, length: number) => value.toString(8).padStart(length - 1, '0');
  header.write(name, 0);
  header.write(octal(0o644, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(sizeBytes, 12), 124);
  header.write(octal(Math.floor(time.getTime() / 1_000), 12), 136);
  header.write('0', 156);
  header.write('ustar\u000000', 257, 'latin1');
  header.write(`${octal(checksumOf(header), 7)}\u0000 `, 148, 'latin1');
  return header;
}

/**
 * Parses a header.
 *
 * @returns undefined for the block of zeros that ends an archive, and `null` for anything that is not a header of a
 *   regular file
 */
export function readTarHeader(header: Buffer): TarEntry | undefined | null {
  if (header.length !== blockBytes) return null;
  if (header.every((byte) => byte === 0)) return undefined;
  const isUstar = header.toString('latin1', 257, 262) === 'ustar';
  const isFile = header[156] === 0x30 || header[156] === 0;
  const sizeBytes = readOctal(header, 124, 12);
  if (!isUstar || !isFile || header[345] !== 0 || sizeBytes === undefined) return null;
  if (readOctal(header, 148, 8) !== checksumOf(header)) return null;
  const end = header.indexOf(0, 0);
  return { name: header.toString('utf8', 0, Math.min(end === -1 ? 100 : end, 100)), sizeBytes };
}

/** The sum of all bytes, with the checksum field counted as spaces. */
function checksumOf(header: Buffer): number {
  let sum = 8 * 0x20;
  for (const [place, byte] of header.entries()) if (place < 148 || place >= 156) sum += byte;
  return sum;
}

function readOctal(header: Buffer, start: number, length: number): number | undefined {
  const digits = /^ *([0-7]+)[\0 ]*$/.exec(header.toString('latin1', start, start + length))?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 8);
}
