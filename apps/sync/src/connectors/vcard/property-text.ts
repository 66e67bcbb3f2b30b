import { parameterValues, type VCardProperty, type VCardVersion } from './card.js';

/** The decoded value of a property, or why there is none. */
export type PropertyText = { text: string } | { reason: string; message: string };

/**
 * Decodes the transfer encoding (quoted-printable, base64) and the character set of a value. The default `CHARSET` is
 * UTF-8, which includes ASCII. Invalid bytes are reported, not guessed.
 */
export function propertyText(property: VCardProperty): PropertyText {
  const encoding = parameterValues(property, 'ENCODING')[0];
  const bytes =
    encoding === 'quoted-printable'
      ? decodeQuotedPrintable(property.value)
      : encoding === 'base64' || encoding === 'b'
        ? Buffer.from(property.value, 'base64')
        : Buffer.from(property.value, 'latin1');
  const charset = parameterValues(property, 'CHARSET')[0] ?? 'utf-8';
  try {
    return { text: new TextDecoder(charset, { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch (error) {
    return error instanceof RangeError
      ? { reason: 'CHARSET_UNKNOWN', message: `The character set of ${property.name} is not known.` }
      : { reason: 'CHARSET_INVALID', message: `${property.name} has bytes that are not ${charset}.` };
  }
}

/** RFC 2045 §6.7, after removal of soft line breaks. An invalid escape stays literal. */
function decodeQuotedPrintable(value: string): Buffer {
  const text = value.replace(/=([0-9A-F]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  return Buffer.from(text, 'latin1');
}

/** The parts of a structured value (`N`, `ADR`, `ORG`), each a list: versions after 2.1 separate its items by commas. */
export function components(text: string, version: VCardVersion): string[][] {
  return splitUnescaped(text, ';').map((part) => listItems(part, version));
}

/** The items of a list (`CATEGORIES`, `NICKNAME`), trimmed, without empty ones. */
export function listItems(text: string, version: VCardVersion): string[] {
  const items = version === '2.1' ? [text] : splitUnescaped(text, ',');
  return items.map((item) => unescapeText(item, version).trim()).filter((item) => item !== '');
}

/** Version 2.1 has one escape, `\;`. Later versions have three, and programs escape more, such as `\:`. */
export function unescapeText(text: string, version: VCardVersion): string {
  if (version === '2.1') return text.replaceAll('\\;', ';');
  return text.replace(/\\(.)/gs, (_, escaped: string) => (escaped === 'n' || escaped === 'N' ? '\n' : escaped));
}

export function escapeText(text: string, version: VCardVersion): string {
  if (version === '2.1') return text.replaceAll(';', '\\;');
  return text.replace(/[\\,;]/g, (character) => `\\${character}`).replace(/\r\n|\r|\n/g, '\\n');
}

/** Splits at unescaped separators; the parts stay escaped. */
export function splitUnescaped(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === separator) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, text.slice(start)];
}
