import { createObject, davRequest, deleteObject, updateObject, type DAVResponse } from 'tsdav';
import { ConnectorError } from '../connector-error.js';
import type { RecordKey } from '../peer-record.js';
import { treeFetch } from './dav-fetch.js';
import { maxCards, readSyncAnswer, tooLarge, type SyncAnswer } from './sync-answer.js';

type Fetch = typeof globalThis.fetch;

/** A change of a card: its new version, or its deletion. */
export type CardChange = { id: string; version: string | undefined };

/** The current state of a card. */
export interface StoredCard extends RecordKey {
  content: Buffer;
}

export interface PutAnswer {
  status: number;
  /** The stored version, if the server returns it. */
  version: string | undefined;
}

const cardType = 'text/vcard; charset=utf-8';
const etagProperty = { 'd:getetag': {} };

/** A listing may be truncated that often however few cards come; after that, each answer brings as many new ones on average. */
const truncation = { answers: 100, cards: 10 };

/** The requests to one address book. A card's id is the last segment of its URL, its version the ETag. */
export class AddressBook {
  readonly #url: string;
  readonly #fetch: Fetch;
  readonly #treeFetch: Fetch;

  /** @param url of the collection, ending with a slash */
  constructor(url: string, fetch: Fetch) {
    this.#url = url;
    this.#fetch = fetch;
    this.#treeFetch = treeFetch(fetch);
  }

  /**
   * All changes since `token`, and the current token. Without a token, all cards.
   *
   * @throws ConnectorError CURSOR_EXPIRED when the server no longer knows the token (RFC 6578 §3.2)
   */
  async changesSince(token: string): Promise<{ changes: CardChange[]; token: string }> {
    const changes = new Map<string, CardChange>();
    let next = token;
    for (let answers = 1; ; answers += 1) {
      const answer = await this.#sync(next);
      let isTruncated = false;
      for (const { href, status, etag } of answer.responses) {
        const id = this.#idOf(href);
        // The response for the collection itself says that there is more (§3.6).
        if (id === undefined) isTruncated ||= status === 507;
        else changes.set(id, { id, version: status === 404 ? undefined : etag });
      }
      if (changes.size > maxCards) throw tooLarge();
      const given = answer.token;
      if (given === undefined)
        throw new ConnectorError('UNSUPPORTED', 'The server does not synchronise collections (RFC 6578).');
      if (!isTruncated) return { changes: [...changes.values()], token: given };
      const isSlow = answers > truncation.answers && changes.size < answers * truncation.cards;
      if (given === next || answer.responses.length === 1 || isSlow)
        throw new ConnectorError('UNAVAILABLE', 'The server truncates its answer and does not continue.');
      next = given;
    }
  }

  /** The existing cards with these ids, in one request. */
  async cards(ids: string[]): Promise<Map<string, StoredCard>> {
    const cards = new Map<string, StoredCard>();
    if (ids.length === 0) return cards;
    const answers = await davRequest({
      url: this.#url,
      init: {
        method: 'REPORT',
        namespace: 'card',
        headers: { depth: '1' },
        body: {
          'addressbook-multiget': {
            _attributes: { 'xmlns:d': 'DAV:', 'xmlns:card': 'urn:ietf:params:xml:ns:carddav' },
            'd:prop': { ...etagProperty, 'card:address-data': {} },
            'd:href': ids.map((id) => new URL(`${this.#url}${id}`).pathname),
          },
        },
      },
      fetch: this.#treeFetch,
    });
    this.#throwIfRefused(answers);
    for (const answer of answers) {
      const id = this.#idOf(answer.href);
      const version = etagOf(answer);
      if (id === undefined || version === undefined || answer.status === 404) continue;
      const content = addressData(answer);
      // tsdav's parser keeps only the last part of a text above 64 KiB.
      const card = content === undefined ? await this.card(id) : { id, version, content };
      if (card) cards.set(id, card);
    }
    return cards;
  }

  async card(id: string): Promise<StoredCard | undefined> {
    const address = this.#address(id);
    if (!address) return undefined;
    const answer = await this.#fetch(address, { headers: { accept: cardType } });
    if (answer.status === 404 || answer.status === 410) return undefined;
    const version = answer.headers.get('etag');
    if (!answer.ok || version === null) throw unexpected(answer.status);
    return { id, version, content: Buffer.from(await answer.arrayBuffer()) };
  }

  /** Answers 412 when a card has that id already. */
  async create(id: string, content: Buffer): Promise<PutAnswer> {
    const headers = { 'content-type': cardType, 'if-none-match': '*' };
    return putAnswer(
      await createObject({ url: `${this.#url}${id}`, data: new Uint8Array(content), headers, fetch: this.#fetch }),
    );
  }

  /** Answers 412 when the card has another version. */
  async update(id: string, content: Buffer, version: string): Promise<PutAnswer> {
    const url = `${this.#url}${id}`;
    const headers = { 'content-type': cardType };
    const data = new Uint8Array(content);
    return putAnswer(await updateObject({ url, data, etag: version, headers, fetch: this.#fetch }));
  }

  /** @returns the status of the answer; 412 when the card has another version, 404 when it does not exist */
  async delete(id: string, version: string): Promise<number> {
    const address = this.#address(id);
    if (!address) return 404;
    return (await deleteObject({ url: address, etag: version, fetch: this.#fetch })).status;
  }

  /** `undefined` for a text that cannot be the id of a card in the collection. */
  #address(id: string): string | undefined {
    const address = `${this.#url}${id}`;
    return this.#idOf(address) === id ? address : undefined;
  }

  /** `undefined` for the collection itself, and for everything that is not directly in it. */
  #idOf(href: string | undefined): string | undefined {
    if (href === undefined || !URL.canParse(href, this.#url)) return undefined;
    const { pathname } = new URL(href, this.#url);
    const collection = new URL(this.#url).pathname;
    const id = pathname.startsWith(collection) ? pathname.slice(collection.length) : '';
    return id === '' || id.includes('/') ? undefined : id;
  }

  async #sync(token: string): Promise<SyncAnswer> {
    const answer = await this.#fetch(this.#url, {
      method: 'REPORT',
      headers: { 'content-type': 'text/xml; charset=utf-8', depth: '0' },
      body: `<?xml version="1.0" encoding="utf-8"?>
        <d:sync-collection xmlns:d="DAV:">
          <d:sync-token>${escapedXml(token)}</d:sync-token><d:sync-level>1</d:sync-level><d:prop><d:getetag/></d:prop>
        </d:sync-collection>`,
    });
    const sync = await readSyncAnswer(new Uint8Array(await answer.arrayBuffer()));
    const [first, ...others] = sync.responses;
    const isRefused = first?.hasError === true && others.length === 0 && this.#idOf(first.href) === undefined;
    if (answer.ok && !isRefused) return sync;
    if (sync.refusesToken) throw tokenExpired();
    throw unexpected(answer.ok ? (first?.status ?? answer.status) : answer.status);
  }

  #throwIfRefused([first, ...others]: DAVResponse[]): void {
    if (!first || others.length > 0 || first.ok || this.#idOf(first.href) !== undefined) return;
    throw unexpected(first.status);
  }
}

function tokenExpired(): ConnectorError {
  return new ConnectorError('CURSOR_EXPIRED', 'The server no longer has the changes since. Read everything again.');
}

function escapedXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function putAnswer({ status, headers }: Response): PutAnswer {
  return { status, version: headers.get('etag') ?? undefined };
}

function unexpected(status: number): ConnectorError {
  if (status === 403) return new ConnectorError('UNAUTHORISED', 'The account has no access to this address book.');
  if (status === 404 || status === 410) return new ConnectorError('SCHEMA_CHANGED', 'The address book is gone.');
  return new ConnectorError('UNAVAILABLE', `The server answers ${status}, which is not expected here.`);
}

function etagOf({ props }: DAVResponse): string | undefined {
  const { getetag } = (props ?? {}) as { getetag?: unknown };
  return typeof getetag === 'string' || typeof getetag === 'number' ? String(getetag) : undefined;
}

/** The card, if it is complete. */
function addressData({ props }: DAVResponse): Buffer | undefined {
  const { addressData: data } = (props ?? {}) as { addressData?: string | { _cdata?: string } };
  const text = typeof data === 'object' ? data._cdata : data;
  return typeof text === 'string' && /^\s*BEGIN:VCARD/i.test(text) && /END:VCARD\s*$/i.test(text)
    ? Buffer.from(text)
    : undefined;
}
