import { DescribedAnswers } from './described-answers.ts';
import { readOpenApi, type Answer, type OpenApi } from './open-api.ts';

export interface ApiRequest {
  headers?: Record<string, string>;
  /** Sent as JSON, or unchanged if it is text or bytes. */
  body?: unknown;
  /** True for a stream that never ends by itself: what it sends is not read. */
  isEndless?: boolean;
}

interface Description {
  openApi: OpenApi;
  described: DescribedAnswers;
}

/** All edges of a build have the same document, which takes an edge a second to write, and long to read. */
let description: Description | undefined;

/** A client of the REST API that checks every answer against the server's OpenAPI document. */
export class ApiClient {
  readonly openApi: OpenApi;
  readonly #url: string;
  readonly #apiKey: string;
  readonly described: DescribedAnswers;

  private constructor(url: string, apiKey: string, { openApi, described }: Description) {
    this.#url = url;
    this.#apiKey = apiKey;
    this.openApi = openApi;
    this.described = described;
  }

  static async connect(url: string, apiKey: string): Promise<ApiClient> {
    description ??= await readDescription(url);
    return new ApiClient(url, apiKey, description);
  }

  /** A client of the same release with another key, or at another edge. */
  of(url: string, apiKey: string): ApiClient {
    return new ApiClient(url, apiKey, this);
  }

  /** @throws Error when the document does not describe the answer */
  async send(method: string, path: string, { headers, body, isEndless = false }: ApiRequest = {}): Promise<Answer> {
    const raw = typeof body === 'string' || body instanceof Uint8Array;
    const response = await fetch(this.#url + path, {
      method,
      headers: {
        authorization: `Bearer ${this.#apiKey}`,
        ...(body === undefined || raw ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body) }),
    });
    const isLeft = isEndless && response.ok;
    const text = isLeft ? '' : await response.text();
    if (isLeft) await response.body?.cancel();
    const answer = { status: response.status, headers: response.headers, body: parse(text) };
    this.described.assert(method, path, answer);
    return answer;
  }
}

async function readDescription(url: string): Promise<Description> {
  const response = await fetch(`${url}/openapi.json`);
  const openApi = readOpenApi(await response.text());
  return { openApi, described: new DescribedAnswers(openApi) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
