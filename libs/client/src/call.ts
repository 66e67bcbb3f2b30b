/** How to reach the API, and what all calls have. */
export interface RapportOptions {
  /** Address of the API, such as `https://rapport.example`. */
  baseUrl: string;
  /** An API key, `rpt_live_…`. */
  apiKey?: string | undefined;
  /** An access token, or a function that returns a current one. It is called for each attempt. */
  accessToken?: string | (() => string | Promise<string>) | undefined;
  /** Headers of every request. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Replaces the `fetch` of the runtime. */
  fetch?: typeof fetch | undefined;
  /** Total time of a call with its retries, in milliseconds. Defaults to 60,000, and to more for operations that may take longer. */
  timeoutMs?: number | undefined;
}

/** What one call can have beside its request. */
export interface CallOptions {
  /** Ends the call, its retries and its streams. The call then throws the reason of the signal. */
  signal?: AbortSignal | undefined;
  /** Total time of the call with its retries, in milliseconds; of a stream or a file until it begins. */
  timeoutMs?: number | undefined;
  /** More headers. */
  headers?: Readonly<Record<string, string>> | undefined;
}

/** Options that are headers of some operations. */
export interface HeaderOptions {
  /** The etag that the record must have, or `*`. Otherwise the call fails with 412 `ETAG_MISMATCH`. */
  ifMatch?: string | undefined;
  /** Identifies the call for 24 hours. Defaults to a new key, which all retries of the call share. */
  idempotencyKey?: string | undefined;
  /** The bytes of a file, such as `bytes=1000-`. */
  range?: string | undefined;
  /** The etag for which `range` holds. With another one, the answer is the whole file. */
  ifRange?: string | undefined;
}

/** The options of an operation that has the named headers. */
export type Options<Names extends keyof HeaderOptions = never> = CallOptions & Pick<HeaderOptions, Names>;

/** The bytes of an upload. A stream is sent once; a call with other bytes can be retried. */
export type Upload = Blob | Uint8Array<ArrayBuffer> | ArrayBuffer | string | ReadableStream<Uint8Array>;

/** An answer whose records have only the fields that a read mask names. */
export type Masked<Answer> = {
  [Name in keyof Answer]: Answer[Name] extends (infer Item extends object)[] ? Partial<Item>[] : Answer[Name];
};

/**
 * Reads a record, and patches it with what `change` returns if the record is still the same; otherwise it reads the record again,
 * and calls `change` again. Returns the patched record, or the record as it was if `change` returns nothing.
 */
export type Edit<Key, Item, Patch> = (
  key: Key,
  change: (record: Item) => Patch | undefined | Promise<Patch | undefined>,
  options?: CallOptions,
) => Promise<Item>;

/** Waits until the operation has ended, however it ended, and returns its last state. Limit the time with `signal`. */
export type Wait<Key, State> = (request: Key, options?: CallOptions) => Promise<State>;
