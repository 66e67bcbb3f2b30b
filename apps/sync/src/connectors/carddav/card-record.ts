import { Readable } from 'node:stream';
import type { ReadItem } from '../connector.js';
import type { PeerRecord } from '../peer-record.js';
import type { VCard } from '../vcard/card.js';
import { contactOfCard } from '../vcard/contact-of-card.js';
import { parseCard } from '../vcard/parse-card.js';
import { splitCards } from '../vcard/split-cards.js';
import type { StoredCard } from './address-book.js';

/** The card at one URL of an address book; `undefined` for anything that is no card. */
export async function parseStoredCard({ content }: StoredCard): Promise<VCard | undefined> {
  for await (const raw of splitCards(Readable.from([content]))) return raw.complete ? parseCard(raw) : undefined;
  return undefined;
}

export async function cardRecord(stored: StoredCard): Promise<PeerRecord | undefined> {
  const card = await parseStoredCard(stored);
  if (!card) return undefined;
  const { fields, issues } = contactOfCard(card);
  return { id: stored.id, version: stored.version, fields, ...(issues.length > 0 ? { issues } : {}) };
}

export async function cardItem(stored: StoredCard): Promise<ReadItem> {
  const record = await cardRecord(stored);
  if (record) return { kind: 'RECORD', record };
  return {
    kind: 'UNREADABLE',
    id: stored.id,
    issues: [{ reason: 'NO_CARD', message: 'The stored content is no vCard.' }],
  };
}
