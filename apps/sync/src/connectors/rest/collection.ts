import { configurationError, ConnectorError } from '../connector-error.js';
import type { PeerRecord } from '../peer-record.js';
import { ExactNumber, isExactObject, valueAt, type ExactObject, type ExactValue } from './exact-json.js';
import type { Api } from './find-api.js';
import { idText, isPathStep, readRecord } from './read-record.js';
import type { RestAnswer, RestClient } from './rest-client.js';
import type { RestConfiguration } from './rest-configuration.js';

export interface ListPage {
  records: ExactValue[];
  /** The service's clock in milliseconds, if it sends one. */
  timeMs: number | undefined;
  /** Whether the page still has these records. */
  isUnchanged: () => Promise<boolean>;
}

/** The current state of a record. */
export interface StoredRecord {
  record: PeerRecord;
  sent: ExactObject;
  etag: string | undefined;
}

/** The records of one collection, in the form of its API. */
export class Collection {
  constructor(
    readonly client: RestClient,
    readonly api: Api,
    readonly configuration: RestConfiguration,
  ) {}

  /** The pages of the list. @param query parameters besides those of the configuration */
  async *pages(query: readonly [string, string][] = []): AsyncGenerator<ListPage> {
    const { style } = this.api.paging;
    let at = style === 'PAGE' ? this.configuration.firstPage : 0;
    let url: URL | undefined = this.#listUrl(query, at);
    let before = '';
    while (url) {
      const asked: URL = url;
      const { answer, records } = await this.#list(asked);
      const ids = this.#idsOf(records);
      if (records.length > 0 && ids === before) throw this.#standsStill();
      before = ids;
      yield {
        records,
        timeMs: timeOfAnswer(answer),
        isUnchanged: async () => this.#idsOf((await this.#list(asked)).records) === ids,
      };
      at += style === 'PAGE' ? 1 : records.length;
      const isCounted = style === 'PAGE' || style === 'OFFSET';
      // A page may be shorter than requested: only an empty one is certainly the last.
      const counted = records.length === 0 ? undefined : this.#listUrl(query, at);
      url = isCounted ? counted : this.#nextUrl(answer, asked, query);
      if (url?.href === asked.href) throw this.#standsStill();
    }
  }

  /**
   * The record with this id; undefined when there is none.
   *
   * @throws ConnectorError SCHEMA_CHANGED for an unreadable one
   */
  async one(id: string): Promise<StoredRecord | undefined> {
    const url = this.oneUrl(this.api.read.path, id);
    if (!url) return undefined;
    const answer = await this.client.send({ method: 'GET', url });
    if (answer.status === 404 || answer.status === 410) return undefined;
    if (answer.status === 403) {
      // Some services answer 403 for a record that does not exist. If listing is forbidden too, this throws.
      await this.pages().next();
      return undefined;
    }
    if (answer.status >= 300) throw unexpected(answer.status);
    const stored = this.stored(answer);
    // Services accept `7x` for 7.
    return stored?.record.id === id ? stored : undefined;
  }

  /** The record with the key of a create. */
  async ofKey(key: string): Promise<StoredRecord | undefined> {
    const { findByKey = '', keyField = '' } = this.configuration;
    for await (const { records } of this.pages([parameter(findByKey, '{key}', key)])) {
      const found = records.find((sent) => idText(valueAt(sent, keyField)) === key);
      const id = found === undefined ? undefined : idText(valueAt(found, this.api.id.name));
      if (id !== undefined) return this.one(id);
      if (records.length > 0) {
        throw configurationError('/findByKey', { reason: 'UNFIT', description: 'The service does not filter by it.' });
      }
    }
    return undefined;
  }

  /** The record in an answer; undefined when it has none. @throws ConnectorError SCHEMA_CHANGED */
  stored({ body, headers }: RestAnswer): StoredRecord | undefined {
    const sent = valueAt(body, this.api.recordPath);
    if (!isExactObject(sent) || valueAt(sent, this.api.id.name) === undefined) return undefined;
    const item = readRecord(this.api, sent);
    if (item.kind === 'RECORD') return { record: item.record, sent, etag: headers.get('etag') ?? undefined };
    const [issue] = item.issues;
    throw new ConnectorError('SCHEMA_CHANGED', `${issue?.field}: ${issue?.message}`);
  }

  /** Undefined for a text that cannot be the id of a record. */
  oneUrl(path: string, id: string): URL | undefined {
    const { type, declaredType } = this.api.id;
    const isNumber = type === 'NUMBER' || type === 'DECIMAL';
    if (id === '' || isPathStep(id) || (isNumber && !/^-?\d+$/.test(id))) return undefined;
    if (declaredType === 'uuid' && !/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(id)) return undefined;
    const [start, end] = [path.indexOf('{'), path.indexOf('}')];
    return this.client.url(path.slice(0, start) + encodeURIComponent(id) + path.slice(end + 1));
  }

  async #list(url: URL): Promise<{ answer: RestAnswer; records: ExactValue[] }> {
    const answer = await this.client.send({ method: 'GET', url });
    if (answer.status >= 300) throw unexpected(answer.status);
    const records = valueAt(answer.body, this.api.listPath);
    if (Array.isArray(records)) return { answer, records };
    const description = 'The answer has no list of records there.';
    throw configurationError('/listPath', { reason: 'NO_LIST', description }, { reason: 'SCHEMA_CHANGED' });
  }

  #listUrl(query: readonly [string, string][], at: number | string): URL {
    const { style, pageParameter, sizeParameter } = this.api.paging;
    const { listQuery = '', pageSize } = this.configuration;
    const url = this.client.url(this.api.list.path);
    const isFirst = at === 0 && style !== 'OFFSET' && style !== 'PAGE';
    const parameters = [
      ...new URLSearchParams(listQuery),
      ...query,
      ...(sizeParameter === undefined ? [] : [[sizeParameter, String(pageSize)] as const]),
      ...(pageParameter === undefined || isFirst ? [] : [[pageParameter, String(at)] as const]),
    ];
    for (const [name, value] of parameters) url.searchParams.append(name, value);
    return url;
  }

  #nextUrl({ body, headers }: RestAnswer, from: URL, query: readonly [string, string][]): URL | undefined {
    const { style, nextPath = '.', pageParameter } = this.api.paging;
    if (style === 'LINK') {
      const link = nextLink(headers.get('link') ?? '');
      return link === undefined ? undefined : this.client.next(link, from);
    }
    const cursor = idText(valueAt(body, nextPath));
    if (cursor === undefined) return undefined;
    if (/^(https?:\/\/|\/)/.test(cursor)) return this.client.next(cursor, from);
    if (pageParameter !== undefined) return this.#listUrl(query, cursor);
    throw configurationError('/pageParameter', { reason: 'REQUIRED', description: 'is missing: it is for the cursor' });
  }

  #idsOf(records: ExactValue[]): string {
    return JSON.stringify(records.map((sent) => idText(valueAt(sent, this.api.id.name)) ?? null));
  }

  #standsStill(): ConnectorError {
    const field = this.api.paging.style === 'LINK' ? '/paging' : '/pageParameter';
    return configurationError(field, { reason: 'UNFIT', description: 'The service gives the same page again.' });
  }
}

/** `["updated_from", "2026-…"]` for `updated_from={time}`. */
export function parameter(template: string, place: string, value: string): [string, string] {
  const [name = ''] = template.split('=', 1);
  return [name, template.slice(name.length + 1).replaceAll(place, () => value)];
}

/** The error for an unexpected status. */
export function unexpected(status: number): ConnectorError {
  if (status === 403) return new ConnectorError('UNAUTHORISED', 'The credentials lack a permission for this.');
  if (status === 404 || status === 410) {
    const description = 'The service has no such collection any more.';
    return configurationError('/path', { reason: 'NOT_FOUND', description }, { reason: 'SCHEMA_CHANGED' });
  }
  return new ConnectorError('INVALID', `The service answers ${status}, which is not expected here.`);
}

/** Milliseconds of a time in the service's format, or of a number of seconds or milliseconds since 1970. */
export function timeMs(value: ExactValue | undefined): number | undefined {
  if (value instanceof ExactNumber) {
    const number = Number(value.text);
    return number > 1e11 ? number : number * 1_000;
  }
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

function timeOfAnswer({ headers }: RestAnswer): number | undefined {
  const ms = Date.parse(headers.get('date') ?? '');
  return Number.isNaN(ms) ? undefined : ms;
}

/** The URL of the next page (RFC 8288). */
function nextLink(header: string): string | undefined {
  for (const link of header.split(/,(?=\s*<)/)) {
    const [address = '', ...parameters] = link.trim().split(';');
    const relations = parameters
      .map((each) => each.trim().split('=', 2))
      .flatMap(([name, value = '']) => (name?.toLowerCase() === 'rel' ? value.replaceAll('"', '').split(' ') : []));
    const isNext = relations.some((relation) => relation.toLowerCase() === 'next');
    if (isNext && address.startsWith('<') && address.endsWith('>')) return address.slice(1, -1);
  }
  return undefined;
}
