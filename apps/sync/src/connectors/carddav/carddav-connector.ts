import type { ConnectorEnvironment } from '../connector-environment.js';
import type {
  Connector,
  Page,
  Peer,
  ReadItem,
  ReadKeysRequest,
  ReadRequest,
  WriteRequest,
  WriteResult,
} from '../connector.js';
import { readCursor, writeCursor } from '../values/cursor.js';
import type { ConnectorDescription, PeerDescription } from '../description.js';
import type { PeerRecord, RecordKey } from '../peer-record.js';
import { checkRecordType } from '../record-type.js';
import { contactFields } from '../vcard/contact-fields.js';
import { writeEach } from '../write-each.js';
import { AddressBook, type CardChange } from './address-book.js';
import { cardItem, cardRecord } from './card-record.js';
import {
  cardDavConfigurationSchema,
  checkCardDavConfiguration,
  type CardDavConfiguration,
} from './carddav-configuration.js';
import { davFetch } from './dav-fetch.js';
import { findAddressBook } from './find-address-book.js';
import { writeCard } from './write-card.js';

const recordType = 'contact';
const cursorForm = 'carddav-1';
const defaultPageSize = 100;
const keysPageSize = 1_000;

/**
 * The changes since the token `from`, after the card `after`. `until` is the token of the first listing: a later
 * continuation lists again, skips cards that changed in between and had been read, and finds them after `until`.
 */
type CardDavCursor = { from: string; until: string; after: string };

const description: ConnectorDescription = {
  name: 'carddav',
  title: 'CardDAV address book',
  version: '1.0.0',
  configurationSchema: cardDavConfigurationSchema,
  webhooks: false,
};

/** Contacts of one address book on a CardDAV server (RFC 6352) that synchronises collections (RFC 6578). */
export const cardDavConnector: Connector = {
  description,
  connect: (configuration, environment) => new CardDavPeer(checkCardDavConfiguration(configuration), environment),
};

class CardDavPeer implements Peer {
  readonly #configuration: CardDavConfiguration;
  readonly #fetch: ConnectorEnvironment['fetch'];
  /** URL of the address book that was found. */
  #url: string | undefined;

  constructor(configuration: CardDavConfiguration, { fetch }: ConnectorEnvironment) {
    this.#configuration = configuration;
    this.#fetch = fetch;
  }

  async check(signal: AbortSignal): Promise<void> {
    const book = await this.#addressBook(signal);
    await book.changesSince('');
  }

  async describe(signal: AbortSignal): Promise<PeerDescription> {
    signal.throwIfAborted();
    const capabilities = {
      incremental: true,
      deletes: 'TOMBSTONES',
      create: true,
      update: true,
      delete: true,
      preconditions: true,
    } as const;
    return { recordTypes: [{ name: recordType, fields: contactFields, capabilities }] };
  }

  async *read({ recordType: type, cursor, pageSize = defaultPageSize, signal }: ReadRequest): AsyncGenerator<Page> {
    checkRecordType(type, [recordType]);
    const { from, until, after } = cursor === undefined ? { from: '', until: '', after: '' } : parseCursor(cursor);
    const book = await this.#addressBook(signal);
    const { changes, token } = await book.changesSince(from);
    const next = until || token;
    const left = changes.filter(({ id }) => id > after).sort((one, other) => (one.id < other.id ? -1 : 1));
    const end = writeCursor(cursorForm, { from: next, until: '', after: '' });
    for (let start = 0; start < left.length; start += pageSize) {
      signal.throwIfAborted();
      const part = left.slice(start, start + pageSize);
      const items = await readCards(book, part);
      const last = part.at(-1)?.id ?? '';
      const isEnd = start + pageSize >= left.length;
      yield { items, cursor: isEnd ? end : writeCursor(cursorForm, { from, until: next, after: last }) };
    }
    if (left.length === 0) yield { items: [], cursor: end };
  }

  async *readKeys({ recordType: type, pageSize = keysPageSize, signal }: ReadKeysRequest): AsyncGenerator<RecordKey[]> {
    checkRecordType(type, [recordType]);
    const book = await this.#addressBook(signal);
    const { changes } = await book.changesSince('');
    const keys = changes.flatMap(({ id, version }) => (version === undefined ? [] : [{ id, version }]));
    for (let start = 0; start < keys.length; start += pageSize) {
      signal.throwIfAborted();
      yield keys.slice(start, start + pageSize);
    }
  }

  async readOne(type: string, id: string, signal: AbortSignal): Promise<PeerRecord | undefined> {
    checkRecordType(type, [recordType]);
    const book = await this.#addressBook(signal);
    const card = await book.card(id);
    return card && cardRecord(card);
  }

  async write({ recordType: type, items, signal }: WriteRequest): Promise<WriteResult[]> {
    checkRecordType(type, [recordType]);
    let book: AddressBook | undefined;
    return writeEach(items, signal, async (item) => writeCard((book ??= await this.#addressBook(signal)), item));
  }

  async #addressBook(signal: AbortSignal): Promise<AddressBook> {
    signal.throwIfAborted();
    const fetch = davFetch(this.#configuration, this.#fetch, signal);
    this.#url ??= await findAddressBook(this.#configuration, fetch, signal);
    return new AddressBook(this.#url, fetch);
  }
}

/** A card that is deleted by now counts as deleted, though the listing had it. */
async function readCards(book: AddressBook, changes: CardChange[]): Promise<ReadItem[]> {
  const stored = await book.cards(changes.filter(({ version }) => version !== undefined).map(({ id }) => id));
  const items: ReadItem[] = [];
  for (const { id } of changes) {
    const card = stored.get(id);
    items.push(card ? await cardItem(card) : { kind: 'DELETED', id });
  }
  return items;
}

function parseCursor(cursor: string): CardDavCursor {
  return readCursor<CardDavCursor>(cursorForm, cursor, (content) =>
    ['from', 'until', 'after'].every((name) => typeof content[name] === 'string'),
  );
}
