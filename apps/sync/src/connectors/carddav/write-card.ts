import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { ConnectorError } from '../connector-error.js';
import type { WriteItem, WriteResult } from '../connector.js';
import type { VCard } from '../vcard/card.js';
import { contactOfCard } from '../vcard/contact-of-card.js';
import { editCard, newCard } from '../vcard/edit-card.js';
import { formatCard } from '../vcard/format-card.js';
import type { AddressBook, PutAnswer, StoredCard } from './address-book.js';
import { cardRecord, parseStoredCard } from './card-record.js';

type Create = Extract<WriteItem, { kind: 'CREATE' }>;
type Update = Extract<WriteItem, { kind: 'UPDATE' }>;
type Delete = Extract<WriteItem, { kind: 'DELETE' }>;

export async function writeCard(book: AddressBook, item: WriteItem): Promise<WriteResult> {
  switch (item.kind) {
    case 'CREATE':
      return createCard(book, item);
    case 'UPDATE':
      return updateCard(book, item);
    case 'DELETE':
      return deleteCard(book, item);
    default:
      return item satisfies never;
  }
}

/** The URL follows from the key, and the server refuses to overwrite a card: a retry finds the first one. */
async function createCard(book: AddressBook, { key, fields }: Create): Promise<WriteResult> {
  const made = newCard(key, fields);
  if ('issues' in made) return { kind: 'REJECTED', issues: made.issues };
  const id = `${createHash('sha256').update(key).digest('hex').slice(0, 40)}.vcf`;
  const answer = await book.create(id, formatCard(made.card));
  return answer.status === 412 ? compare(book, id, made.card) : settled(book, id, answer, made.card);
}

/** Edits the stored card, so that content without a field is kept. */
async function updateCard(book: AddressBook, { id, expectedVersion, fields }: Update): Promise<WriteResult> {
  const stored = await book.card(id);
  if (stored?.version !== expectedVersion) return conflict(id, stored);
  const card = await parseStoredCard(stored);
  if (!card) return { kind: 'REJECTED', issues: [{ reason: 'NO_CARD', message: 'The stored content is no vCard.' }] };
  const edited = editCard(card, fields);
  if ('issues' in edited) return { kind: 'REJECTED', issues: edited.issues };
  if (edited.card === card) return { kind: 'WRITTEN', id, version: expectedVersion };
  const answer = await book.update(id, formatCard(edited.card), expectedVersion);
  if (answer.status === 412 || answer.status === 404) return conflict(id, await book.card(id));
  return settled(book, id, answer, edited.card);
}

async function deleteCard(book: AddressBook, { id, expectedVersion }: Delete): Promise<WriteResult> {
  const status = await book.delete(id, expectedVersion);
  if (status === 404 || status === 410) return { kind: 'WRITTEN', id };
  if (status === 412) {
    const stored = await book.card(id);
    return stored ? conflict(id, stored) : { kind: 'WRITTEN', id };
  }
  return status < 300 ? { kind: 'WRITTEN', id } : refused(status);
}

async function conflict(id: string, stored: StoredCard | undefined): Promise<WriteResult> {
  const current = stored && (await cardRecord(stored));
  return current ? { kind: 'CONFLICT', id, current } : { kind: 'CONFLICT', id };
}

async function settled(
  book: AddressBook,
  id: string,
  { status, version }: PutAnswer,
  card: VCard,
): Promise<WriteResult> {
  if (status >= 300) return refused(status);
  return version === undefined ? compare(book, id, card) : { kind: 'WRITTEN', id, version };
}

/** WRITTEN if the card has the expected content. Otherwise another client may have changed it since. */
async function compare(book: AddressBook, id: string, card: VCard): Promise<WriteResult> {
  const stored = await book.card(id);
  const current = stored && (await cardRecord(stored));
  if (!current) return { kind: 'CONFLICT', id };
  const isOurs = isDeepStrictEqual(current.fields, contactOfCard(card).fields);
  return isOurs ? { kind: 'WRITTEN', id, version: current.version } : { kind: 'CONFLICT', id, current };
}

function refused(status: number): WriteResult {
  if (status === 403) throw new ConnectorError('UNAUTHORISED', 'The account may not write to this address book.');
  if (status === 409) {
    return {
      kind: 'REJECTED',
      issues: [{ reason: 'UID_TAKEN', message: 'The address book has another card with this UID.' }],
    };
  }
  return { kind: 'REJECTED', issues: [{ reason: 'REFUSED', message: `The server refuses the card with ${status}.` }] };
}
