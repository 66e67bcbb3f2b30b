import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Answer, OpenApi, Operation } from './open-api.ts';

interface DescribedPath {
  template: string;
  pattern: RegExp;
  operations: Record<string, Operation>;
}

const unreached = [
  ...[
    'ROUTE_UNKNOWN',
    'METHOD_NOT_ALLOWED',
    'METHOD_UNKNOWN',
    'URL_TOO_LONG',
    'HEADERS_TOO_LARGE',
    'EXPECTATION_FAILED',
  ],
  ...['CREDENTIALS_ENDED', 'PRINCIPAL_ENDED', 'ACCESS_TOKEN_INVALID', 'API_KEY_INVALID'],
];

/** Holds answers to an OpenAPI document. */
export class DescribedAnswers {
  /** Longest first: both `{id}` and `{id}:watch` match what is to be watched. */
  readonly #paths: DescribedPath[];
  readonly #ajv: Ajv2020;

  constructor(openApi: OpenApi) {
    this.#paths = Object.entries(openApi.paths)
      .map(([template, operations]) => ({
        template,
        pattern: new RegExp(`^${template.replace(/\{[^{}]+\}/g, '[^/]+?')}$`),
        operations,
      }))
      .toSorted((one, other) => other.template.length - one.template.length);
    this.#ajv = new Ajv2020({ strict: false, validateFormats: false });
    this.#ajv.addSchema({ ...openApi }, 'openapi');
  }

  /** @throws Error when the answer is none that the document describes */
  assert(method: string, path: string, { status, headers, body }: Answer): void {
    const type = headers.get('content-type')?.split(';')[0];
    if (status >= 400) {
      if (type !== 'application/problem+json') throw new Error(`${method} ${path}: ${status} as ${String(type)}`);
      if (typeof (body as { requestId?: unknown }).requestId !== 'string')
        throw new Error(`${method} ${path}: ${status} without a requestId`);
      this.#assertListed(method, path, (body as { code: string }).code);
      return this.#assertValid(`${method} ${path} ${status}`, '#/components/schemas/Problem', body);
    }
    const [template, operation] = this.#operation(method, path);
    const response = operation.responses[status];
    if (!response) throw new Error(`${method} ${template}: ${status} is not described`);
    if (!response.content) return;
    const content = response.content[type ?? ''] ?? response.content['*/*'];
    if (!content) throw new Error(`${method} ${template}: ${status} as ${String(type)} is not described`);
    // Of a stream or a file the body is not parsed.
    const reference = type === 'application/json' ? content.schema?.$ref : undefined;
    if (reference) this.#assertValid(`${method} ${template} ${status}`, reference, body);
  }

  /** The same of an answer whose body is not parsed. */
  assertText(method: string, path: string, { status, headers }: Response, text: string): void {
    const isJson = /^application\/(problem\+)?json\b/.test(headers.get('content-type') ?? '');
    this.assert(method, path, { status, headers, body: isJson ? (JSON.parse(text) as unknown) : text });
  }

  /** Codes of requests that reach no operation are not those of operations. */
  #assertListed(method: string, path: string, code: string): void {
    if (unreached.includes(code)) return;
    const [template, operation] = this.#operation(method, path);
    const answers = Object.values(operation.responses);
    if (!answers.some(({ description }) => description.includes(`- \`${code}\`:`)))
      throw new Error(`${method} ${template}: ${code} is not listed`);
  }

  #assertValid(where: string, reference: string, value: unknown): void {
    const validate = this.#ajv.getSchema(`openapi${reference}`) as ValidateFunction;
    if (!validate(value))
      throw new Error(`${where}: ${this.#ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`);
  }

  #operation(method: string, path: string): [string, Operation] {
    const [bare = ''] = path.split('?');
    const name = method.toLowerCase();
    for (const { template, pattern, operations } of this.#paths) {
      const operation = operations[name];
      if (operation && pattern.test(bare)) return [template, operation];
    }
    throw new Error(`${method} ${path} is not described`);
  }
}
