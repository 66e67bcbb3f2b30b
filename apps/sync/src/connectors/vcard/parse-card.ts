import { ConnectorError } from '../connector-error.js';
import type { VCard, VCardParameter, VCardProperty, VCardVersion } from './card.js';
import type { RawCard } from './split-cards.js';

const versions: readonly string[] = ['2.1', '3.0', '4.0'];
/** Encodings that version 2.1 allows without `ENCODING=`. */
const bareEncodings = ['QUOTED-PRINTABLE', 'BASE64', '7BIT', '8BIT'];

/** Most properties of a card, and characters of their names and parameters: a card is parsed in one turn of the event loop. */
const maxProperties = 10_000;
const maxHeadSize = 128 * 1024;
/** Most separators and escapes of values, each of which is decoded to a text of its own. Photos have none. */
const maxMarks = 64 * 1024;
const marks: ReadonlySet<number> = new Set([0x2c, 0x3b, 0x3d, 0x5c]);

/**
 * Parses the properties of a card (vCard 2.1, RFC 2426, RFC 6350). Keeps everything that it cannot parse.
 *
 * @throws ConnectorError INVALID for a card with more than the limits
 */
export function parseCard({ lines, line }: RawCard): VCard {
  // Folding differs between versions, but a line with the version is never folded.
  const version = findVersion(lines);
  const card: VCard = { version: version ?? '3.0', properties: [], line, issues: [] };
  if (version === undefined) card.issues.push(issue('NO_VERSION', 'No known VERSION; read as 3.0.', line));
  let [at, headSize, found] = [1, 0, 0];
  while (at < lines.length) {
    const source = takeLines(lines, at, card.version);
    const first = lines[at] ?? '';
    if (/^END\s*:/i.test(first.trim()) && source.length === 1) break;
    const text = unfold(source, card.version);
    const colon = findColon(text);
    headSize += Math.max(colon, 0);
    found += marksFrom(text, colon + 1);
    const isTooLarge = card.properties.length === maxProperties || headSize > maxHeadSize || found > maxMarks;
    if (isTooLarge) throw tooLarge(line);
    card.properties.push(parseProperty({ text, colon, source, line: line + at }, card));
    at += source.length;
  }
  return card;
}

function findVersion(lines: string[]): VCardVersion | undefined {
  for (const text of lines) {
    const found = /^VERSION[^:]*:\s*([\d.]+)/i.exec(text)?.[1];
    if (found !== undefined) return versions.includes(found) ? (found as VCardVersion) : undefined;
  }
  return undefined;
}

/** The lines of the property that begins at `at`: folded ones, soft line breaks, and the card within an agent. */
function takeLines(lines: string[], at: number, version: VCardVersion): string[] {
  const first = lines[at] ?? '';
  const count = /^(?:[\w-]+\.)?AGENT[^:]*:\s*$/i.test(first) ? nestedLines(lines, at + 1) : 0;
  if (count > 0) return lines.slice(at, at + 1 + count);
  const quotedPrintable = /^[^:]*;(?:ENCODING=)?QUOTED-PRINTABLE[;:]/i.test(first);
  const base64 = /^[^:]*;(?:ENCODING=)?(?:BASE64|B)[;:]/i.test(first);
  let next = at + 1;
  for (; next < lines.length; next += 1) {
    const text = lines[next] ?? '';
    const softBreak = quotedPrintable && (lines[next - 1] ?? '').endsWith('=');
    if (/^END\s*:\s*VCARD/i.test(text)) break;
    if (softBreak || /^[ \t]/.test(text)) continue;
    // Some programs write base64 of version 2.1 unindented; a blank line ends it.
    if (base64 && version === '2.1' && text !== '' && /^[A-Za-z0-9+/]+=*$/.test(text)) continue;
    break;
  }
  return lines.slice(at, next);
}

function nestedLines(lines: string[], from: number): number {
  if (!/^\s*BEGIN\s*:/i.test(lines[from] ?? '')) return 0;
  const end = lines.findIndex((text, index) => index > from && /^\s*END\s*:/i.test(text));
  return end < 0 ? 0 : end - from + 1;
}

interface PropertyLine {
  /** The unfolded lines. */
  text: string;
  /** Where the value begins; -1 without one. */
  colon: number;
  source: string[];
  line: number;
}

function parseProperty({ text, colon, source, line }: PropertyLine, card: VCard): VCardProperty {
  const [head = '', ...given] = colon < 0 ? [] : splitOutsideQuotes(text.slice(0, colon), ';');
  const [, group, name] = /^\s*(?:([\w-]+)\.)?([\w-]+)\s*$/.exec(head) ?? [];
  if (name === undefined) {
    if (text.trim() !== '') card.issues.push(issue('LINE_INVALID', 'This line is no property of a vCard.', line));
    return { name: '', group: undefined, parameters: [], value: '', line, source };
  }
  const parameters = given.map(parseParameter);
  const value = text.slice(colon + 1);
  return { name: name.toUpperCase(), group: group?.toLowerCase(), parameters, value, line, source };
}

/** In 2.1 the white space that begins a folded line belongs to the value; later versions add it. */
function unfold([first = '', ...rest]: string[], version: VCardVersion): string {
  // Joined once: reading the end of a growing text would copy all of it for each line.
  const parts = [first];
  const quotedPrintable = /^[^:]*QUOTED-PRINTABLE/i.test(first);
  for (const line of rest) {
    const last = parts.at(-1) ?? '';
    if (quotedPrintable && last.endsWith('=')) parts.splice(-1, 1, last.slice(0, -1), line);
    else parts.push(version === '2.1' ? line : line.slice(/^[ \t]/.test(line) ? 1 : 0));
  }
  return parts.join('');
}

/** The first colon outside of quotes; without a closing quote, the first colon. */
function findColon(text: string): number {
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '"') quoted = !quoted;
    else if (text[at] === ':' && !quoted) return at;
  }
  return text.indexOf(':');
}

/** The number of `,`, `;`, `=` and backslashes from an index on. */
function marksFrom(text: string, start: number): number {
  let count = 0;
  for (let at = start; at < text.length; at += 1) if (marks.has(text.charCodeAt(at))) count += 1;
  return count;
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts = [''];
  let quoted = false;
  for (const character of text) {
    if (character === '"') quoted = !quoted;
    if (character === separator && !quoted) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts;
}

function parseParameter(text: string): VCardParameter {
  const equals = text.indexOf('=');
  if (equals >= 0) {
    const value = text.slice(equals + 1).trim();
    return { name: text.slice(0, equals).trim().toUpperCase(), value: value.replace(/^"(.*)"$/, '$1') };
  }
  const value = text.trim();
  return { name: bareEncodings.includes(value.toUpperCase()) ? 'ENCODING' : 'TYPE', value };
}

function tooLarge(line: number): ConnectorError {
  const most = `${maxProperties} properties, ${maxHeadSize} characters of names and parameters, or ${maxMarks} separators`;
  return new ConnectorError('INVALID', `The card at line ${line} has more than ${most}.`);
}

function issue(reason: string, message: string, line: number) {
  return { reason, message, line };
}
