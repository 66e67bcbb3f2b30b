import http, { type Response } from 'k6/http';
import type { Operation } from '../slo.ts';

export interface Customer {
  id: string;
  displayName: string;
}

export interface Answer<Body> {
  status: number;
  /** Absent when the request failed: k6 would only log an exception, and no threshold would count it. */
  body: Body | undefined;
}

/** The REST API as the holder of a credential sees it. */
export class Api {
  readonly #baseUrl: string;
  readonly #credential: string;

  constructor(baseUrl: string, credential: string) {
    this.#baseUrl = baseUrl;
    this.#credential = credential;
  }

  get<Body>(operation: Operation, path: string): Answer<Body> {
    return answerOf(http.get(this.#baseUrl + path, this.#params(operation)));
  }

  /** Reads a public page, without the credential. @returns the status */
  page(operation: Operation, path: string): number {
    return http.get(this.#baseUrl + path, { tags: { name: operation } }).status;
  }

  /** Submits the form of a public page, without the credential. @returns the status */
  submit(operation: Operation, path: string, fields: Record<string, string>): number {
    const form = Object.entries(fields).map((field) => field.map(encodeURIComponent).join('='));
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    return http.request('POST', this.#baseUrl + path, form.join('&'), { headers, tags: { name: operation } }).status;
  }

  /** Requests a range of a file. @returns the status, and the number of bytes of the answer */
  range(operation: Operation, path: string, range: string): { status: number; length: number } {
    const { headers, tags } = this.#params(operation);
    const response = http.get(this.#baseUrl + path, { headers: { ...headers, Range: range }, tags });
    const { status, body } = response;
    return { status, length: typeof body === 'string' ? body.length : 0 };
  }

  /** An idempotent write, with a body as JSON or as text of `contentType`. */
  send<Body>(
    method: 'POST' | 'PATCH' | 'PUT',
    operation: Operation,
    path: string,
    body: object | string,
    contentType = 'application/json',
  ): Answer<Body> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const { headers, tags } = this.#params(operation);
    const key = { 'Content-Type': contentType, 'Idempotency-Key': uniqueText() };
    return answerOf(http.request(method, this.#baseUrl + path, text, { headers: { ...headers, ...key }, tags }));
  }

  #params(operation: Operation) {
    return { headers: { Authorization: `Bearer ${this.#credential}` }, tags: { name: operation } };
  }
}

let texts = 0;

/** A text that is unique among all clients, in the set-up of a run too, which has no iteration. */
export function uniqueText(): string {
  texts += 1;
  return `${Date.now().toString(36)}-${texts}-${Math.random().toString(36).slice(2)}`;
}

function answerOf<Body>(response: Response): Answer<Body> {
  const isGood = response.status >= 200 && response.status < 300;
  return { status: response.status, body: isGood ? (response.json() as Body) : undefined };
}
