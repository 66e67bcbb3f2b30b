import { setImmediate as nextTurn } from 'node:timers/promises';
import { Parser } from 'htmlparser2';
import { ConnectorError } from '../connector-error.js';

/** Bytes that are parsed in one turn of the event loop: a few milliseconds. */
const turnBytes = 64 * 1_024;

/** Most cards of an address book, of which each has about ten elements in a listing. */
export const maxCards = 200_000;
const maxElements = 20 * maxCards;
const maxDepth = 32;

/** A response of an answer to `sync-collection`, about a card or the collection itself. */
export interface SyncResponse {
  href: string;
  status: number;
  etag: string | undefined;
  hasError: boolean;
}

/** An answer to `sync-collection` (RFC 6578). */
export interface SyncAnswer {
  responses: SyncResponse[];
  token: string | undefined;
  /** The server does not know the token of the request. */
  refusesToken: boolean;
}

/**
 * Parses an answer to `sync-collection`, of which only the responses are in memory. The listing of a whole address book has
 * tens of MiB: as a tree it would block the process for seconds, and take a multiple of it in memory.
 *
 * @throws ConnectorError INVALID for more than the limits
 */
export async function readSyncAnswer(bytes: Uint8Array): Promise<SyncAnswer> {
  const reader = new SyncAnswerReader();
  const parser = new Parser(
    {
      onopentagname: (name) => reader.open(localName(name)),
      ontext: (text) => reader.note(text),
      onclosetag: (name) => reader.close(localName(name)),
    },
    { xmlMode: true, decodeEntities: true },
  );
  const decoder = new TextDecoder();
  for (let start = 0; start < bytes.length; start += turnBytes) {
    parser.write(decoder.decode(bytes.subarray(start, start + turnBytes), { stream: true }));
    await nextTurn();
  }
  parser.end();
  return reader.answer;
}

/** Elements whose text is read. */
const read = new Set(['href', 'status', 'getetag', 'sync-token']);

class SyncAnswerReader {
  readonly answer: SyncAnswer = { responses: [], token: undefined, refusesToken: false };
  readonly #path: string[] = [];
  #elements = 0;
  #text = '';
  #response: SyncResponse | undefined;

  open(name: string): void {
    this.#elements += 1;
    if (this.#elements > maxElements || this.#path.length === maxDepth) throw tooLarge();
    this.#path.push(name);
    this.#text = '';
    if (name === 'response') this.#response = { href: '', status: 200, etag: undefined, hasError: false };
    if (name === 'error' && this.#response) this.#response.hasError = true;
    if (name === 'valid-sync-token') this.answer.refusesToken = true;
  }

  note(text: string): void {
    if (read.has(this.#path.at(-1) ?? '')) this.#text += text;
  }

  close(name: string): void {
    this.#path.pop();
    const parent = this.#path.at(-1);
    const text = this.#text.trim();
    this.#text = '';
    if (name === 'sync-token' && text !== '') this.answer.token = text;
    const response = this.#response;
    if (!response) return;
    if (name === 'getetag' && text !== '') response.etag = sameAsInTree(text);
    if (parent === 'response' && name === 'href') response.href = text;
    if (parent === 'response' && name === 'status') response.status = statusOf(text) ?? response.status;
    if (name !== 'response') return;
    this.#response = undefined;
    if (response.href === '') return;
    if (this.answer.responses.length > maxCards) throw tooLarge();
    this.answer.responses.push(response);
  }
}

export function tooLarge(): ConnectorError {
  return new ConnectorError('INVALID', `The server lists more than ${maxCards} cards, or answers with something else.`);
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

/** tsdav, which reads the versions of single cards, takes an ETag without quotes for a number. */
function sameAsInTree(etag: string): string {
  const number = Number(etag);
  return Number.isNaN(number) ? etag : String(number);
}

function statusOf(line: string): number | undefined {
  const code = /^\S+ (\d{3})\b/.exec(line)?.[1];
  return code === undefined ? undefined : Number(code);
}
