import { ConnectorError } from '../connector-error.js';

/** The lines of one card, or of content between cards. */
export interface RawCard {
  /** Without their ends, one character per byte. */
  lines: string[];
  /** First line of the card in the file, from 1. */
  line: number;
  /** False for a card without `END:VCARD`, and for content outside of cards. */
  complete: boolean;
}

/** A card may contain a photo, and is in memory as a whole. */
const maxCardSize = 8 * 1024 * 1024;

const begin = /^\s*BEGIN\s*:\s*VCARD\s*$/i;
const end = /^\s*END\s*:\s*VCARD\s*$/i;
/** In version 2.1 the value is a card of its own, on the lines that follow. */
const agent = /^(?:[\w-]+\.)?AGENT[^:]*:\s*$/i;

/**
 * Splits a file into cards. Lines end with LF, CRLF, or, as iPhones wrote them, CR CR LF. A card that begins before the
 * former one has ended ends that one, incomplete.
 *
 * @throws ConnectorError INVALID for a card larger than `maxCardSize`
 */
export async function* splitCards(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<RawCard> {
  let card: RawCard | undefined;
  let depth = 0;
  for await (const { text, line } of physicalLines(chunks)) {
    if (begin.test(text)) {
      if (card && agent.test(card.lines.at(-1) ?? '')) depth += 1;
      else {
        if (card) yield card;
        [card, depth] = [{ lines: [], line, complete: false }, 0];
      }
    } else if (!card && text.trim() === '') continue;
    card ??= { lines: [], line, complete: false };
    card.lines.push(text);
    if (!end.test(text)) continue;
    if (depth > 0) {
      depth -= 1;
      continue;
    }
    yield { ...card, complete: begin.test(card.lines[0] ?? '') };
    card = undefined;
  }
  if (card) yield card;
}

async function* physicalLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<{ text: string; line: number }> {
  let line = 1;
  let begun = '';
  let size = 0;
  for await (const chunk of chunks) {
    const texts = (begun + Buffer.from(chunk).toString('latin1')).split('\n');
    begun = texts.pop() ?? '';
    for (const text of texts) {
      size = end.test(text) ? 0 : size + text.length;
      yield { text: withoutEnds(text, line), line };
      line += 1;
    }
    if (size + begun.length > maxCardSize) {
      throw new ConnectorError('INVALID', `The card before line ${line} has more than ${maxCardSize} bytes.`);
    }
  }
  if (begun !== '') yield { text: withoutEnds(begun, line), line };
}

/** Without its line end, and a leading byte order mark of UTF-8. */
function withoutEnds(text: string, line: number): string {
  const start = line === 1 && text.startsWith('\u00ef\u00bb\u00bf') ? 3 : 0;
  let length = text.length;
  while (text[length - 1] === '\r') length -= 1;
  return text.slice(start, length);
}
