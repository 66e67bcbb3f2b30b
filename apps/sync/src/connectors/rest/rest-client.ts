import { jsonSize, readRetryAfter } from '@rapport/platform';
import { answerBytes } from '../answer-bytes.js';
import type { ConnectorEnvironment } from '../connector-environment.js';
import { configurationError, ConnectorError } from '../connector-error.js';
import { formatExact, parseExact, type ExactObject, type ExactValue } from './exact-json.js';
import type { RestConfiguration } from './rest-configuration.js';

const requestTimeoutMs = 30_000;

/** The values take far more memory than their bytes, those with exact numbers above all, and are parsed in one turn. */
interface Limits {
  maxBytes: number;
  /** By `jsonSize`. */
  maxParts: number;
}
const answerLimits: Limits = { maxBytes: 16 * 1_024 * 1_024, maxParts: 200_000 };
const documentLimits: Limits = { maxBytes: 8 * 1_024 * 1_024, maxParts: 1_000_000 };

export interface RestRequest {
  method: string;
  url: URL;
  body?: ExactObject;
  /** The ETag that the record must have. */
  ifMatch?: string | undefined;
}

export interface RestAnswer {
  status: number;
  headers: Headers;
  /** Undefined for an empty body. */
  body: ExactValue | undefined;
}

/** Calls one API with the credentials of a connection, and sends them nowhere else. */
export class RestClient {
  readonly #configuration: RestConfiguration;
  readonly #fetch: ConnectorEnvironment['fetch'];
  readonly #signal: AbortSignal;
  readonly #base: URL;

  constructor(configuration: RestConfiguration, fetch: ConnectorEnvironment['fetch'], signal: AbortSignal) {
    this.#configuration = configuration;
    this.#fetch = fetch;
    this.#signal = signal;
    this.#base = new URL(configuration.url);
  }

  /** The URL of a path of the document. */
  url(path: string): URL {
    const { href } = this.#base;
    return this.#own((href.endsWith('/') ? href.slice(0, -1) : href) + path, '/path');
  }

  /** The URL that an answer points to. It gets the credentials only if it is on the same server. */
  next(address: string, from: URL): URL {
    return this.#own(new URL(address, from).href, '/url');
  }

  /** The answer to a request. Throws for statuses that are not about the request itself: 401, 408, 423, 429, redirects and 5xx. */
  async send({ method, url, body, ifMatch }: RestRequest): Promise<RestAnswer> {
    const headers = this.#headers();
    if (body) headers.set('content-type', 'application/json');
    if (ifMatch !== undefined) headers.set('if-match', ifMatch);
    const answer = await this.#exchange(url, { method, headers, ...(body && { body: formatExact(body) }) }, '/url');
    await this.#throwForStatus(answer);
    const text = await this.#text(answer, answerLimits, '/url');
    const parsed = text.trim() === '' ? undefined : parseExact(text);
    if (text.trim() !== '' && parsed === undefined && answer.ok) {
      const description = 'The service does not answer with JSON.';
      throw configurationError('/url', { reason: 'NO_JSON', description }, { reason: 'SCHEMA_CHANGED' });
    }
    return { status: answer.status, headers: answer.headers, body: parsed };
  }

  /** The text of the OpenAPI document. */
  async document(address: string): Promise<string> {
    const url = new URL(address);
    // Another server gets no credentials of this one.
    const isOwn = url.origin === this.#base.origin;
    const headers = isOwn ? this.#headers() : new Headers({ accept: 'application/json' });
    const answer = await this.#exchange(url, { headers }, '/documentUrl');
    if (isOwn || answer.status !== 401) await this.#throwForStatus(answer, '/documentUrl');
    if (!answer.ok) {
      await answer.body?.cancel();
      const description = `The document cannot be read: the server answers ${answer.status}.`;
      throw configurationError('/documentUrl', { reason: 'NOT_FOUND', description });
    }
    return this.#text(answer, documentLimits, '/documentUrl');
  }

  #own(address: string, field: string): URL {
    const url = URL.canParse(address) ? new URL(address) : undefined;
    if (url?.origin === this.#base.origin && url.username === '' && url.password === '') return url;
    throw configurationError(field, { reason: 'INVALID', description: 'It redirects to another server.' });
  }

  #headers(): Headers {
    const { username, password, bearerToken, apiKeyHeader, apiKeySecret } = this.#configuration;
    const headers = new Headers({ accept: 'application/json' });
    if (password !== undefined) {
      headers.set('authorization', `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`);
    }
    if (bearerToken !== undefined) headers.set('authorization', `Bearer ${bearerToken}`);
    if (apiKeySecret !== undefined) headers.set(apiKeyHeader, apiKeySecret);
    return headers;
  }

  async #exchange(url: URL, init: RequestInit, field: string): Promise<Response> {
    this.#signal.throwIfAborted();
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(requestTimeoutMs)]);
    try {
      return await this.#fetch(url, { ...init, redirect: 'manual', signal });
    } catch (cause) {
      this.#signal.throwIfAborted();
      if (cause instanceof ConnectorError) throw cause;
      const violation = { reason: 'UNREACHABLE', description: 'The service cannot be reached.' } as const;
      throw configurationError(field, violation, { reason: 'UNAVAILABLE', cause });
    }
  }

  async #throwForStatus(answer: Response, field = '/url'): Promise<void> {
    const { status, headers, body } = answer;
    if (status < 500 && ![401, 408, 423, 429].includes(status) && (status < 300 || status >= 400)) return;
    await body?.cancel();
    if (status < 400) {
      const description = `The service redirects (${status}): give the final address.`;
      throw configurationError(field, { reason: 'REDIRECTED', description });
    }
    if (status === 401) {
      const description = 'The service refuses the credentials, or requires some.';
      throw configurationError(
        this.#secretField(),
        { reason: 'UNAUTHORISED', description },
        { reason: 'UNAUTHORISED' },
      );
    }
    const details = { retryAfterMs: readRetryAfter(headers.get('retry-after')) };
    if (status === 429)
      throw new ConnectorError('RATE_LIMITED', 'The service refuses further requests for now.', details);
    throw new ConnectorError('UNAVAILABLE', `The service answers ${status}.`, details);
  }

  #secretField(): string {
    const { password, apiKeySecret } = this.#configuration;
    if (password !== undefined) return '/password';
    return apiKeySecret === undefined ? '/bearerToken' : '/apiKeySecret';
  }

  async #text(answer: Response, { maxBytes, maxParts }: Limits, field: string): Promise<string> {
    const tooLarge = (what: string) => configurationError(field, { reason: 'TOO_LARGE', description: what });
    let text: string;
    try {
      const bytes = await answerBytes(answer, maxBytes, () => tooLarge(`The answer has more than ${maxBytes} bytes.`));
      text = bytes.toString();
    } catch (cause) {
      this.#signal.throwIfAborted();
      if (cause instanceof ConnectorError) throw cause;
      throw new ConnectorError('UNAVAILABLE', 'The connection to the service broke.', { cause });
    }
    if (jsonSize(text).parts > maxParts) throw tooLarge(`The answer has more than ${maxParts} values.`);
    return text;
  }
}
