import type { CallOptions, RapportOptions } from './call.js';
import { RapportError } from './problem.js';

/** One HTTP request, with what its retries need to know. */
export interface HttpCall {
  verb: string;
  /** Path and query. */
  url: string;
  headers: Record<string, string>;
  body: RequestInit['body'] | undefined;
  /** Whether a second request does the work no second time. */
  isRepeatable: boolean;
  /** How long the server may take for one attempt, in milliseconds. */
  attemptMs: number;
  options: CallOptions;
}

/** An answer, and what ends its connection before the end of its body. */
export interface Answer {
  response: Response;
  end: (reason?: unknown) => void;
}

const tokenHeader = 'rapport-consistency-token';
const defaultTimeoutMs = 60_000;

/** Sends requests, again where that is safe, and no faster than the server allows. One for each client. */
export class Transport {
  /** Of the last write: reads with it see that write at every edge. */
  #token: string | undefined;
  /** Until when the rate budget is used up. */
  #pausedUntil = 0;

  constructor(private readonly options: RapportOptions) {}

  /**
   * @param read reads the body; when that fails, the call is repeated like one without an answer
   * @throws RapportError the last failure
   */
  async send<Result>(call: HttpCall, read: (answer: Answer) => Result | Promise<Result>): Promise<Result> {
    const { signal } = call.options;
    const ownMs = call.options.timeoutMs ?? this.options.timeoutMs ?? Math.max(defaultTimeoutMs, call.attemptMs);
    const endsAt = performance.now() + ownMs;
    for (let attempt = 0; ; attempt++) {
      signal?.throwIfAborted();
      const pauseMs = this.#pausedUntil - performance.now();
      // A pause longer than the call can wait is the server's to refuse.
      if (pauseMs > 0 && performance.now() + pauseMs < endsAt) await pause(pauseMs + jitterMs(attempt), signal);
      const headers = { ...(await this.#headers(call.verb)), ...call.headers };
      try {
        return await this.#attempt({ ...call, headers }, Math.min(call.attemptMs, endsAt - performance.now()), read);
      } catch (error) {
        signal?.throwIfAborted();
        const failure = RapportError.from(error);
        const waitMs = (failure.retryAfterMs ?? 0) + jitterMs(attempt);
        const isSafe = (call.isRepeatable || failure.isUndone) && !(call.body instanceof ReadableStream);
        if (!failure.retryable || !isSafe || performance.now() + waitMs >= endsAt) throw failure;
        await pause(waitMs, signal);
      }
    }
  }

  async #attempt<Result>(
    { verb, url, headers, body, options: { signal } }: HttpCall,
    timeoutMs: number,
    read: (answer: Answer) => Result | Promise<Result>,
  ): Promise<Result> {
    const { baseUrl, fetch = globalThis.fetch } = this.options;
    const connection = new AbortController();
    const end = (reason?: unknown) => connection.abort(reason);
    const timer = setTimeout(
      () => end(new RapportError({ code: 'TIMEOUT', detail: 'The call took too long.' })),
      timeoutMs,
    );
    try {
      const response = await fetch(baseUrl.replace(/\/$/, '') + url, {
        method: verb,
        headers,
        signal: signal ? AbortSignal.any([connection.signal, signal]) : connection.signal,
        ...(body !== undefined && { body }),
        // Of a body that is a stream.
        ...(body instanceof ReadableStream && { duplex: 'half' }),
      });
      this.#note(response);
      if (!response.ok) throw await RapportError.of(response);
      return await read({ response, end });
    } finally {
      clearTimeout(timer);
    }
  }

  async #headers(verb: string): Promise<Record<string, string>> {
    const { apiKey, accessToken, headers } = this.options;
    const credential = apiKey ?? (typeof accessToken === 'function' ? await accessToken() : accessToken);
    return {
      ...headers,
      ...(credential !== undefined && { authorization: `Bearer ${credential}` }),
      ...(verb === 'GET' && this.#token !== undefined && { [tokenHeader]: this.#token }),
    };
  }

  #note({ status, headers }: Response): void {
    this.#token = headers.get(tokenHeader) ?? this.#token;
    const budgets = [...(headers.get('ratelimit') ?? '').matchAll(/;r=(\d+);t=(\d+)/g)];
    const isUsedUp = status === 429 ? () => false : ([, left]: string[]) => left === '0';
    for (const [, , seconds] of budgets.filter(isUsedUp)) this.#pause(Number(seconds));
    // With these headers it is the rate that is refused, of all calls of the client.
    if (status === 429 && budgets.length > 0) this.#pause(Number(headers.get('retry-after')));
  }

  #pause(seconds: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, performance.now() + seconds * 1_000);
  }
}

/** Full jitter: <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>. */
export function jitterMs(attempt: number): number {
  return Math.random() * Math.min(8_000, 200 * 2 ** attempt);
}

/** @throws the reason of the signal */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end);
  });
  signal?.throwIfAborted();
}
