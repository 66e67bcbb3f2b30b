import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

export interface JsonSchema {
  type?: string | string[];
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  required?: string[];
  enum?: string[];
  anyOf?: JsonSchema[];
  examples?: unknown[];
  maxLength?: number;
  pattern?: string;
  $ref?: string;
}

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required: boolean;
  schema: JsonSchema;
}

export interface Operation {
  operationId: string;
  parameters: Parameter[];
  requestBody?: { content: Record<string, { schema?: JsonSchema }> };
  responses: Record<string, { content?: Record<string, { schema: JsonSchema }>; $ref?: string }>;
}

/** The parts of the OpenAPI document that the tests read. */
export interface OpenApi {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, JsonSchema> };
}

export interface Answer {
  status: number;
  headers: Headers;
  /** Parsed JSON, or the text when it is none. */
  body: unknown;
}

export interface ApiRequest {
  headers?: Record<string, string>;
  /** Sent as JSON, or as it is when it is text or bytes. */
  body?: unknown;
}

/** A client of the REST API that holds every answer to the OpenAPI document of the server. */
export class ApiClient {
  readonly openApi: OpenApi;
  readonly #url: string;
  readonly #apiKey: string;
  readonly #ajv: Ajv2020;

  private constructor(url: string, apiKey: string, openApi: OpenApi) {
    this.#url = url;
    this.#apiKey = apiKey;
    this.openApi = openApi;
    this.#ajv = new Ajv2020({ strict: false, validateFormats: false });
    this.#ajv.addSchema({ ...openApi }, 'openapi');
  }

  static async connect(url: string, apiKey: string): Promise<ApiClient> {
    const answer = await fetch(`${url}/openapi.json`);
    return new ApiClient(url, apiKey, (await answer.json()) as OpenApi);
  }

  /** @throws Error when the answer is none that the document describes */
  async send(method: string, path: string, { headers, body }: ApiRequest = {}): Promise<Answer> {
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
    const answer = { status: response.status, headers: response.headers, body: parse(await response.text()) };
    this.#assertDescribed(method, path, answer);
    return answer;
  }

  #assertDescribed(method: string, path: string, { status, headers, body }: Answer): void {
    const type = headers.get('content-type')?.split(';')[0];
    if (status >= 400) {
      if (type !== 'application/problem+json') throw new Error(`${method} ${path}: ${status} as ${String(type)}`);
      return this.#assertValid(`${method} ${path} ${status}`, '#/components/schemas/Problem', body);
    }
    const [template, operation] = this.#operation(method, path);
    const response = operation.responses[status];
    if (!response) throw new Error(`${method} ${template}: ${status} is not described`);
    const schema = response.content?.['application/json']?.schema.$ref;
    if (schema) this.#assertValid(`${method} ${template} ${status}`, schema, body);
  }

  #assertValid(where: string, reference: string, value: unknown): void {
    const validate = this.#ajv.getSchema(`openapi${reference}`) as ValidateFunction;
    if (!validate(value))
      throw new Error(`${where}: ${this.#ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`);
  }

  #operation(method: string, path: string): [string, Operation] {
    const [bare = ''] = path.split('?');
    for (const [template, operations] of Object.entries(this.openApi.paths)) {
      const pattern = new RegExp(`^${template.replace(/\{[^{}]+\}/g, '[^/]+?')}$`);
      const operation = operations[method.toLowerCase()];
      if (operation && pattern.test(bare)) return [template, operation];
    }
    throw new Error(`${method} ${path} is not described`);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
