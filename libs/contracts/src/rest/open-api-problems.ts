type Json = Record<string, unknown>;

export const problemSchema: Json = {
  type: 'object',
  description: 'What went wrong (RFC 9457).',
  required: ['type', 'title', 'status', 'detail', 'code'],
  properties: {
    type: {
      type: 'string',
      description: 'URN of the kind of problem.',
      examples: ['urn:rapport:problem:validation-failed'],
    },
    title: { type: 'string', description: 'The HTTP status in words.', examples: ['Bad Request'] },
    status: { type: 'integer', description: 'The HTTP status.', examples: [400] },
    detail: { type: 'string', description: 'A sentence for people.', examples: ['displayName: is required.'] },
    code: { type: 'string', description: 'What programs can rely on.', examples: ['VALIDATION_FAILED'] },
    requestId: {
      type: 'string',
      description: 'Names the request to support. Absent when the problem is a part of an answer.',
      examples: ['019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a11'],
    },
    errors: {
      type: 'array',
      description: 'Each wrong field.',
      items: {
        type: 'object',
        required: ['in', 'pointer', 'code', 'detail'],
        properties: {
          in: { type: 'string', enum: ['body', 'query', 'path', 'header'], description: 'The part of the request.' },
          pointer: {
            type: 'string',
            description: 'JSON Pointer to the value within that part.',
            examples: ['/emails/0/address'],
          },
          code: { type: 'string', description: 'What programs can rely on.', examples: ['BAD_FORMAT'] },
          detail: { type: 'string', description: 'A sentence for people.', examples: ['must be an e-mail address.'] },
        },
      },
    },
    retryAfterSeconds: {
      type: 'integer',
      description: 'Seconds after which a retry may succeed, as Retry-After says.',
      examples: [1],
    },
    metadata: {
      type: 'object',
      description: 'Facts for programs, such as the id of the record in the way.',
      additionalProperties: { type: 'string' },
    },
  },
};

const retryAfter = {
  'Retry-After': { description: 'Seconds after which a retry may succeed.', schema: { type: 'integer' } },
};

/** What limits say of themselves, on every answer that was charged for. */
export const rateHeaders: Record<string, Json> = {
  'RateLimit-Policy': {
    description:
      'The budgets of the key and of its tenant: units (`q`) in a window of seconds (`w`). ' +
      'Source: draft-ietf-httpapi-ratelimit-headers.',
    schema: { type: 'string', examples: ['"key";q=60000;w=60, "tenant";q=120000;w=60'] },
  },
  RateLimit: {
    description: 'The units that are left of each (`r`), and the seconds until it is whole again (`t`).',
    schema: { type: 'string', examples: ['"key";r=59999;t=60, "tenant";r=119999;t=60'] },
  },
};

/** By the names under which operations refer to them. */
export const problemResponses: Record<string, Json> = {
  Problem: problemResponse('The request was refused or failed.', retryAfter),
  TooMany: problemResponse(
    'There is too little left of the rate of the key or its tenant (`RATE_LIMITED`), or the tenant has as many calls at ' +
      'the same time as its plan allows (`TOO_MANY_CONCURRENT`). Nothing was done.',
    { ...retryAfter, ...references(rateHeaders) },
  ),
  Unavailable: problemResponse(
    'There is no place for more calls (`OVERLOADED`: nothing was done), or a service can not be reached.',
    { ...retryAfter, ...references(rateHeaders) },
  ),
};

/** The headers as the document's components have them. */
export function references(headers: Record<string, Json>): Json {
  return Object.fromEntries(Object.keys(headers).map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

function problemResponse(description: string, headers: Json): Json {
  return {
    description,
    headers,
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}
