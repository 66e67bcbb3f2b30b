/** Kinds of files with a signature in their first bytes. */
interface Kind {
  type: string;
  /** The signature in hexadecimal, and its offset. */
  marks: readonly { at: number; bytes: string }[];
  /** Other types of the kind, which the sender may declare. */
  also?: RegExp;
}

const at = (place: number, bytes: string) => ({ at: place, bytes });

const kinds: readonly Kind[] = [
  { type: 'image/png', marks: [at(0, '89504e470d0a1a0a')] },
  { type: 'image/jpeg', marks: [at(0, 'ffd8ff')] },
  { type: 'image/gif', marks: [at(0, '474946383761')] },
  { type: 'image/gif', marks: [at(0, '474946383961')] },
  { type: 'image/webp', marks: [at(0, '52494646'), at(8, '57454250')] },
  { type: 'image/tiff', marks: [at(0, '49492a00')] },
  { type: 'image/tiff', marks: [at(0, '4d4d002a')] },
  { type: 'image/heic', marks: [at(4, '6674797068656963')], also: /^image\/heif$/ },
  { type: 'audio/wav', marks: [at(0, '52494646'), at(8, '57415645')] },
  { type: 'audio/mpeg', marks: [at(0, '494433')] },
  { type: 'audio/ogg', marks: [at(0, '4f676753')], also: /^(video|application)\/ogg$/ },
  { type: 'video/webm', marks: [at(0, '1a45dfa3')], also: /^(audio\/webm|video\/x-matroska)$/ },
  { type: 'video/mp4', marks: [at(4, '66747970')], also: /^(audio\/mp4|video\/quicktime|audio\/x-m4a)$/ },
  { type: 'application/pdf', marks: [at(0, '255044462d')] },
  { type: 'application/gzip', marks: [at(0, '1f8b')] },
  { type: 'application/x-7z-compressed', marks: [at(0, '377abcaf271c')] },
  { type: 'application/rtf', marks: [at(0, '7b5c727466')], also: /^text\/rtf$/ },
  {
    // Office documents are ZIP archives.
    type: 'application/zip',
    marks: [at(0, '504b0304')],
    also: /^application\/(vnd\.openxmlformats-officedocument\.[a-z.]+|vnd\.oasis\.opendocument\.[a-z.-]+|vnd\.apple\.[a-z]+|epub\+zip)$/,
  },
  {
    type: 'application/octet-stream',
    marks: [at(0, 'd0cf11e0a1b11ae1')],
    also: /^application\/(msword|vnd\.ms-[a-z-]+|vnd\.visio)$/,
  },
];

/** Text types that browsers do not execute. */
const textTypes =
  /^(text\/(plain|csv|calendar|vcard|markdown|tab-separated-values)|application\/(json|x-ndjson|ld\+json)|message\/rfc822)$/;

/** Bytes at the start of a file that are inspected. */
export const sniffedBytes = 4 * 1024;

/**
 * Media type of a file by its first bytes. The declared type only selects among the types of a kind: a page or a script
 * that is declared as an image becomes plain text.
 *
 * @param head the first bytes, `sniffedBytes` or the whole file
 * @param declared media type
 */
export function sniffContentType(head: Uint8Array, declared = ''): string {
  const bytes = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, sniffedBytes));
  const said = declared.toLowerCase();
  const kind = kinds.find(({ marks }) => marks.every((mark) => hasMark(bytes, mark)));
  if (kind) return kind.also?.test(said) ? said : kind.type;
  if (!isText(bytes)) return 'application/octet-stream';
  return textTypes.test(said) ? said : 'text/plain';
}

function hasMark(bytes: Buffer, { at: place, bytes: mark }: { at: number; bytes: string }): boolean {
  return bytes.toString('hex', place, place + mark.length / 2) === mark;
}

/** Whether bytes are UTF-8 without control characters. The last character may be cut. */
function isText(bytes: Buffer): boolean {
  if (bytes.length === 0) return false;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return !/[^\P{Cc}\t\n\f\r]/u.test(text);
  } catch {
    return false;
  }
}
