import { drawnBy } from '@rapport/testing';
import fc from 'fast-check';
import type { ApiRequest } from './api-client.ts';
import type { OpenApi, Operation, Parameter } from './open-api.ts';
import { accepts, nest, resolve, validObject } from './schema-values.ts';

/** A request that is wrong, or that could break a careless server. */
export interface HostileRequest extends ApiRequest {
  method: string;
  path: string;
  /** The part and pointer in the answer, for a request that is certainly wrong. */
  wrong?: { in: string; pointer: string };
}

const uuid = '019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a11';

const nastyStrings: readonly string[] = [
  ...['', ' ', '\t', '\n', '\0', 'a\0b', '\u0001', '\u007f', '\ud800', 'a\udfffb', '\ufeff', '\u202eabc', '\u200b'],
  ...['null', 'undefined', 'true', 'NaN', '-0', '1e309', '0x10', '9223372036854775808', '-1', '1.5', '٣', '½'],
  ...[
    `'`,
    `"`,
    '`',
    '\\',
    `' OR '1'='1`,
    `'; DROP TABLE customer; --`,
    '" or ""="',
    '%',
    '_',
    '%%%',
    '*',
    '?',
    '$1',
    '$$',
  ],
  ...['<script>alert(1)</script>', '{{7*7}}', '${jndi:ldap://x}', '../../etc/passwd', '..%2f..', '%00', 'file:///etc'],
  ...[
    '(((((((((((((((((((((((((',
    'NOT NOT NOT',
    'a AND',
    'kind = ',
    ')',
    '"unterminated',
    'kind = "',
    'AND OR',
    '-',
    ':',
  ],
  ...['__proto__', 'constructor', 'toString', '[object Object]', '{"a":1}', '[]', 'a,b', 'a;b', 'a=b', '=1+1', '@x'],
  ...['😀', '👨‍👩‍👧', 'Ω≈ç√', 'Zalgo̡͓̞', 'ﷺ', '田中さん', 'الاسم', 'x'.repeat(3_000), '😀'.repeat(400), '(a+)+$'],
];

/**
 * Member names that are not generated: two that the body parser removes, and one that makes V8 (Node 24.21) misread `"` in
 * similar objects.
 */
const unreadNames = ['__proto__', 'constructor', '\\'];

const wrongValues: readonly unknown[] = [
  0,
  -1,
  1.5,
  1e308,
  true,
  false,
  [],
  {},
  [[]],
  [null],
  { a: { b: [] } },
  ['x'],
  [{}],
];

/** Which requests are generated. */
export interface HostileSize {
  /** Number of operations, drawn by the seed. */
  operations: number;
  /** Least number of requests against each. */
  requests: number;
}

/**
 * Requests against operations of the document, generated from its schemas, by the id of the operation.
 *
 * @param ids of existing records, by collection, such as `customers`
 */
export function* hostileRequests(
  openApi: OpenApi,
  size: HostileSize,
  seed: number,
  ids: Readonly<Record<string, string>>,
): Generator<[string, readonly HostileRequest[]]> {
  const targets = Object.entries(openApi.paths).flatMap(([template, operations]) =>
    Object.entries(operations).map(([method, operation]): Target => ({
      method: method.toUpperCase(),
      template,
      operation,
      openApi,
      ids,
    })),
  );
  for (const target of drawnBy(seed, targets, size.operations)) {
    const { operation } = target;
    const fixed = [
      ...operation.parameters.flatMap((parameter) => parameterRequests(target, parameter)),
      ...unknownParameterRequests(target),
      ...bodyRequests(target),
    ];
    const missing = Math.max(0, size.requests - fixed.length);
    yield [operation.operationId, [...fixed, ...randomRequests(target, missing, seed)]];
  }
}

interface Target {
  method: string;
  template: string;
  operation: Operation;
  openApi: OpenApi;
  ids: Readonly<Record<string, string>>;
}

/**
 * The collection of a parameter: `customers` of `/v1/customers/{id}:merge`, `objectRecords` of the id in
 * `/v1/objects/{object}/records/{id}`.
 */
function collectionOf(template: string, parameter: string): string {
  const [, , collection = '', , within] = template.split('/');
  return parameter === 'id' && within === 'records' ? 'objectRecords' : collection;
}

function request(
  target: Target,
  replaced: Record<string, string> = {},
  more: Partial<HostileRequest> = {},
): HostileRequest {
  const { parameters } = target.operation;
  const valueOf = (name: string) => {
    const { examples = [], enum: values = [] } = parameters.find((parameter) => parameter.name === name)?.schema ?? {};
    const valid = examples[0] ?? values[0] ?? target.ids[collectionOf(target.template, name)] ?? uuid;
    return replaced[name] ?? encodeURIComponent(typeof valid === 'string' ? valid : JSON.stringify(valid));
  };
  const path = target.template.replace(/\{([^{}]+)\}/g, (_, name: string) => valueOf(name));
  const query = parameters
    .filter(({ name, in: place, required }) => place === 'query' && (required || replaced[name] !== undefined))
    .map(({ name }) => `${name}=${valueOf(name)}`)
    .join('&');
  return { method: target.method, path: query ? `${path}?${query}` : path, ...more };
}

function parameterRequests(target: Target, parameter: Parameter): HostileRequest[] {
  return nastyStrings
    .filter((text) => text.isWellFormed() || parameter.in !== 'header')
    .flatMap((text) => {
      if (parameter.in === 'header') {
        const printable = /^[\x20-\x7e]*$/.test(text);
        return printable ? [request(target, {}, { headers: { [parameter.name]: text }, ...validBody(target) })] : [];
      }
      // An empty path segment is another path.
      if (parameter.in === 'path' && text === '') return [];
      const encoded = text.isWellFormed() ? encodeURIComponent(text) : '%ed%a0%80';
      const wrong = alwaysWrong(parameter, text) ? { in: parameter.in, pointer: `/${parameter.name}` } : undefined;
      return [request(target, { [parameter.name]: encoded }, { ...validBody(target), ...(wrong ? { wrong } : {}) })];
    });
}

/** A value of another type or format; texts without a format may be valid. */
function alwaysWrong({ schema, in: place }: Parameter, text: string): boolean {
  if (schema.pattern !== undefined && new RegExp(schema.pattern, 'u').test(text)) return false;
  if (place === 'path') return text.length < 100 && text.isWellFormed();
  return (
    (schema.type === 'integer' || schema.type === 'boolean') &&
    !['true', '1e309', '-0', '0x10', ''].includes(text.trim()) &&
    text.length < 100
  );
}

function unknownParameterRequests(target: Target): HostileRequest[] {
  const names = [
    'unknown',
    'page_size',
    'limit',
    'offset',
    '__proto__x',
    'id[]',
    'a.b',
    '$where',
    'fields',
    'access_token',
  ];
  const unknown = names.filter((name) => target.operation.parameters.every((parameter) => parameter.name !== name));
  return unknown.map((name) => {
    const { path, ...rest } = request(target, {}, validBody(target));
    const separator = path.includes('?') ? '&' : '?';
    return {
      ...rest,
      path: `${path}${separator}${encodeURIComponent(name)}=1`,
      wrong: { in: 'query', pointer: `/${name}` },
    };
  });
}

function bodyRequests(target: Target): HostileRequest[] {
  const { openApi } = target;
  const content = target.operation.requestBody?.content;
  if (target.method === 'GET') return [];
  if (!content) return malformedBodies(target, ['{"a":1}', '[1]', '"x"', '{', 'null x']);
  const reference = content['application/json']?.schema;
  if (!reference) return nastyStrings.flatMap((text) => fileRequests(target, text));
  const schema = resolve(openApi, reference);
  const valid = validObject(openApi, schema);
  const properties = Object.entries(schema.properties ?? {});
  const mutated = properties.flatMap(([name, property]) => [
    ...wrongValues
      .filter((value) => !accepts(openApi, property, value))
      .map((value) => body(target, { ...valid, [name]: value }, name)),
    ...nastyStrings.slice(0, 24).map((text) => body(target, { ...valid, [name]: nest(openApi, property, text) })),
  ]);
  const unknown = nastyStrings
    .filter((text) => !unreadNames.includes(text) && text.isWellFormed())
    .map((text) => body(target, { ...valid, [text]: 1 }, text));
  const missing = (schema.required ?? []).map((name) => body(target, { ...valid, [name]: undefined }, name));
  return [...mutated, ...unknown, ...missing, ...malformedBodies(target, nastyStrings)];
}

function body(target: Target, content: unknown, wrongField?: string): HostileRequest {
  const pointer = wrongField === undefined ? undefined : `/${wrongField.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  return request(target, {}, { body: content, ...(pointer === undefined ? {} : { wrong: { in: 'body', pointer } }) });
}

function malformedBodies(target: Target, texts: readonly string[]): HostileRequest[] {
  return texts
    .filter((text) => text !== '' && text.isWellFormed())
    .flatMap((text) => [
      request(target, {}, { body: text, headers: { 'content-type': 'application/json' } }),
      request(target, {}, { body: text, headers: { 'content-type': 'text/plain' } }),
    ]);
}

function fileRequests(target: Target, text: string): HostileRequest[] {
  const file = (type: string, content: string) =>
    request(target, {}, { body: content, headers: { 'content-type': type } });
  return [
    file('text/csv', `displayName,${text}\n${text},${text}\n`),
    file('application/x-ndjson', `{"displayName":${JSON.stringify(text)}}\n${text}\n`),
    file(
      'application/json',
      `[{"displayName":${JSON.stringify(text)},"emails":[{"address":${JSON.stringify(text)}}]}]`,
    ),
    file('application/json', `[${text}`),
    file(/^[\x20-\x7e]+$/.test(text) && text.length < 100 ? text.trim() || 'x' : 'application/pdf', text),
  ];
}

/** Arbitrary JSON instead of a body, and arbitrary text instead of each parameter. */
function randomRequests(target: Target, count: number, seed: number): HostileRequest[] {
  const parameters = target.operation.parameters.filter(({ in: place }) => place !== 'header');
  const values = fc.sample(fc.tuple(fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }), fc.jsonValue()), {
    numRuns: count,
    seed,
  });
  return values.map(([text, json], index) => {
    const parameter = parameters[index % Math.max(1, parameters.length)];
    const replaced = parameter ? { [parameter.name]: encodeURIComponent(text.toWellFormed()) } : {};
    const hasJsonBody = target.operation.requestBody?.content['application/json']?.schema !== undefined;
    return request(target, replaced, hasJsonBody ? { body: index % 2 ? json : validBody(target).body } : {});
  });
}

function validBody({ operation, openApi }: Target): { body?: unknown } {
  const schema = operation.requestBody?.content['application/json']?.schema;
  return schema ? { body: validObject(openApi, resolve(openApi, schema)) } : {};
}
