import type { VCard, VCardParameter, VCardProperty, VCardVersion } from './card.js';

/** RFC 6350 §3.2: in octets, without the line end. */
const maxLineSize = 75;

/** The bytes of a card, from the raw lines of its properties. */
export function formatCard(card: VCard): Buffer {
  const lines = ['BEGIN:VCARD', ...card.properties.flatMap(({ source }) => source), 'END:VCARD', ''];
  return Buffer.from(lines.join('\r\n'), 'latin1');
}

/** Parts of a new property. */
export interface PropertyContent {
  /** In its final form. */
  name: string;
  group?: string | undefined;
  parameters?: VCardParameter[];
  /** Escaped, in characters. */
  text: string;
}

/** A property with new lines: in UTF-8, and in 2.1 quoted-printable unless it is plain ASCII on one line. */
export function makeProperty(
  { name, group, parameters = [], text }: PropertyContent,
  version: VCardVersion,
): VCardProperty {
  const kept = parameters.filter(({ name: parameter }) => parameter !== 'ENCODING' && parameter !== 'CHARSET');
  const quoted = version === '2.1' && !/^[ -~]*$/.test(text);
  const own = quoted
    ? [...kept, { name: 'ENCODING', value: 'QUOTED-PRINTABLE' }, { name: 'CHARSET', value: 'UTF-8' }]
    : kept;
  const value = quoted ? quotedPrintable(text) : Buffer.from(text).toString('latin1');
  const head = `${group === undefined ? '' : `${group}.`}${name}${own.map(formatParameter).join('')}:`;
  const source = quoted ? softBreaks(head, value) : version === '2.1' ? [head + value] : fold(head + value);
  return { name: name.toUpperCase(), group, parameters: own, value, line: 0, source };
}

function formatParameter({ name, value }: VCardParameter): string {
  return `;${name}=${name !== 'TYPE' && /[:;,]/.test(value) ? `"${value}"` : value}`;
}

/** Not within a character, which would break readers that unfold after decoding. */
function fold(line: string): string[] {
  const lines: string[] = [];
  let start = 0;
  while (line.length - start > maxLineSize - (lines.length > 0 ? 1 : 0)) {
    let end = start + maxLineSize - (lines.length > 0 ? 1 : 0);
    while (isContinuation(line.charCodeAt(end))) end -= 1;
    lines.push(line.slice(start, end));
    start = end;
  }
  lines.push(line.slice(start));
  return lines.map((part, index) => (index > 0 ? ` ${part}` : part));
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

function quotedPrintable(text: string): string {
  const bytes = Buffer.from(text.replace(/\r\n|\r|\n/g, '\r\n')).toString('latin1');
  return bytes.replace(/[^ -<>-~]/g, (byte) => `=${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}

function softBreaks(head: string, value: string): string[] {
  const pieces = value.match(/(?:=[0-9A-F]{2}|[^=]){1,24}/g) ?? [''];
  return pieces.map((piece, index) => (index === 0 ? head : '') + piece + (index < pieces.length - 1 ? '=' : ''));
}
