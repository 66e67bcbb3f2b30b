import { STATUS_CODES } from 'node:http';
import type { ErrorCodeMeaning } from '../errors/shared-error-codes.js';
import { freeName } from './free-name.js';

type Json = Record<string, unknown>;

export const problemSchema: Json = {
  type: 'object',
  description: 'An error (RFC 9457).',
  required: ['type', 'title', 'status', 'detail', 'code'],
  properties: {
    type: {
      type: 'string',
      description: 'URN of the kind of problem.',
      examples: ['urn:rapport:problem:validation-failed'],
    },
    title: { type: 'string', description: 'The HTTP status in words.', examples: ['Bad Request'] },
    status: { type: 'integer', description: 'The HTTP status.', examples: [400] },
    detail: { type: 'string', description: 'An explanation for people.', examples: ['displayName: is required.'] },
    code: {
      type: 'string',
      description: 'The kind of problem, for programs. A code keeps its meaning. `/docs/errors` lists all codes.',
      examples: ['VALIDATION_FAILED'],
    },
    requestId: {
      type: 'string',
      description: 'Identifies the request to support. Absent when the problem is a part of an answer.',
      examples: ['019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a11'],
    },
    errors: {
      type: 'array',
      description: 'One entry for each wrong value.',
      items: {
        type: 'object',
        required: ['in', 'pointer', 'code', 'detail'],
        properties: {
          in: { type: 'string', enum: ['body', 'query', 'path', 'header'], description: placesOfErrors() },
          pointer: {
            type: 'string',
            description: 'JSON Pointer to the value within that part.',
            examples: ['/emails/0/address'],
          },
          code: {
            type: 'string',
            description: 'What is wrong, for programs. `/docs/errors` lists all codes.',
            examples: ['BAD_FORMAT'],
          },
          detail: {
            type: 'string',
            description: 'An explanation for people.',
            examples: ['must be an e-mail address.'],
          },
        },
      },
    },
    retryAfterSeconds: {
      type: 'integer',
      description: 'Seconds after which a retry can succeed. Equals the header `Retry-After`.',
      examples: [1],
    },
    metadata: {
      type: 'object',
      description: 'Facts for programs, such as the id of a conflicting record.',
      additionalProperties: { type: 'string' },
    },
  },
};

function placesOfErrors(): string {
  const meanings = { body: 'The JSON body.', query: 'The query string.', path: 'The path.', header: 'The headers.' };
  const lines = Object.entries(meanings).map(([name, meaning]) => `- \`${name}\`: ${meaning}`);
  return `The part of the request.\n\n${lines.join('\n')}`;
}

const retryAfter = {
  'Retry-After': { description: 'Seconds after which a retry can succeed.', schema: { type: 'integer' } },
};

/** The state of the rate budgets, on every answer that was charged for. */
export const rateHeaders: Record<string, Json> = {
  'RateLimit-Policy': {
    description:
      'The budgets of the key and of its tenant: units (`q`) in a window of seconds (`w`). ' +
      'Source: draft-ietf-httpapi-ratelimit-headers.',
    schema: { type: 'string', examples: ['"key";q=60000;w=60, "tenant";q=120000;w=60'] },
  },
  RateLimit: {
    description: 'The units left in each budget (`r`), and the seconds until the budget is full again (`t`).',
    schema: { type: 'string', examples: ['"key";r=59999;t=60, "tenant";r=119999;t=60'] },
  },
};

/** Statuses of limits and failures, for which `Retry-After` says when to try again. */
const withRetry = [429, 503];

/** Operations that have a response in common, from which on it is a component. */
const leastUses = 3;

/** The responses with problems of one document. Those that several operations share are components. */
export class ProblemResponses {
  /** The names of shared responses, by their status and codes. */
  readonly #shared = new Map<string, string>();

  /** @param used the status and codes of each response of each operation */
  constructor(
    private readonly codes: ReadonlyMap<string, ErrorCodeMeaning>,
    used: readonly (readonly [status: number, names: readonly string[]])[],
  ) {
    const uses = [...Map.groupBy(used, ([status, names]) => keyOf(status, names))]
      .filter(([, each]) => each.length >= leastUses)
      .toSorted(([, one], [, other]) => other.length - one.length);
    for (const [key] of uses) this.#shared.set(key, this.#freeName(key));
  }

  /** A reference to the response when it is a shared one, else the response. */
  reference(status: number, names: readonly string[]): Json {
    const shared = this.#shared.get(keyOf(status, names));
    return shared === undefined ? this.#response(status, names) : { $ref: `#/components/responses/${shared}` };
  }

  /** The shared responses by their names. */
  components(): Record<string, Json> {
    const shared = [...this.#shared].map(([key, name]) => {
      const [status, ...names] = key.split(' ');
      return [name, this.#response(Number(status), names)] as const;
    });
    return {
      ...Object.fromEntries(shared),
      Problem: problemResponse('Any other error.', retryAfter),
    };
  }

  /** The name of the status for its most common response; others add what the most common one lacks. */
  #freeName(key: string): string {
    const [status, ...names] = key.split(' ');
    const plain = responseName(Number(status));
    const taken = new Set(this.#shared.values());
    if (!taken.has(plain)) return plain;
    const [common = ''] = [...this.#shared].find(([, name]) => name === plain) ?? [];
    const own = names.find((name) => !common.split(' ').includes(name)) ?? 'OTHER';
    return freeName(`${plain}_${own}`, (name) => taken.has(name));
  }

  #response(status: number, names: readonly string[]): Json {
    const lines = names.map((name) => `- \`${name}\`: ${this.codes.get(name)?.[1] ?? ''}`);
    const limits = status === 429 ? references(rateHeaders) : {};
    const headers = withRetry.includes(status) ? { ...retryAfter, ...limits } : undefined;
    return problemResponse(`${STATUS_CODES[status] ?? 'Client Closed Request'}.\n\n${lines.join('\n')}`, headers);
  }
}

function keyOf(status: number, names: readonly string[]): string {
  return [status, ...names.toSorted()].join(' ');
}

function responseName(status: number): string {
  return (STATUS_CODES[status] ?? 'Client Closed Request').replace(/\W/g, '');
}

/** The headers as the document's components have them. */
export function references(headers: Record<string, Json>): Json {
  return Object.fromEntries(Object.keys(headers).map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

function problemResponse(description: string, headers?: Json): Json {
  return {
    description,
    ...(headers && { headers }),
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}
