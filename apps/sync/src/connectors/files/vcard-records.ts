import { contactOfCard } from '../vcard/contact-of-card.js';
import { parseCard } from '../vcard/parse-card.js';
import { splitCards, type RawCard } from '../vcard/split-cards.js';
import type { FileRecord, UnreadableRecord } from './file-record.js';

/** The cards of a file as records. A card without an end is none, since its missing content is unknown. */
export async function* vcardRecords(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<FileRecord | UnreadableRecord> {
  for await (const raw of splitCards(chunks)) yield raw.complete ? vcardRecord(raw) : unreadable(raw);
}

function vcardRecord(raw: RawCard): FileRecord {
  const { fields, issues } = contactOfCard(parseCard(raw));
  const id = fields['uid'] as string | undefined;
  return { line: raw.line, id, fields, content: raw.lines.join('\n'), issues };
}

function unreadable({ line, lines: [first = ''] }: RawCard): UnreadableRecord {
  return /^\s*BEGIN/i.test(first)
    ? { line, reason: 'CARD_NOT_ENDED', message: 'The card has no END:VCARD.' }
    : { line, reason: 'NOT_IN_CARD', message: 'This is not within a card.' };
}
