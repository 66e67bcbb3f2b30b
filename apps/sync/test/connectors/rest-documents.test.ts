import { describe, expect, test } from 'vitest';
import { restConnector } from '../../src/connectors/rest/rest-connector.js';
import { ConnectorError } from '../../src/connectors/connector-error.js';
import type { ConnectorEnvironment } from '../../src/connectors/connector-environment.js';
import { restDocument } from './rest-document.js';

const nothing = () => {
  throw new Error('Nothing is to be called.');
};
const environment: ConnectorEnvironment = {
  fetch: nothing,
  resolveHost: nothing,
  files: { version: nothing, read: nothing, list: nothing, create: nothing },
};
const { signal } = new AbortController();
const honest = () => restDocument({ paging: 'PAGE', wrap: 'data', method: 'patch', hasEtags: true, isSilent: false });

const connect = (document: unknown, change: object = {}) => {
  const text = typeof document === 'string' ? document : JSON.stringify(document);
  return restConnector.connect(
    { url: 'https://crm.example/api', path: '/people', document: text, ...change },
    environment,
  );
};
const violations = (document: unknown, change: object = {}) => {
  try {
    connect(document, change);
  } catch (error) {
    if (error instanceof ConnectorError) return error.violations;
    throw error;
  }
  return [];
};
/** The document of the honest service with another schema of a record. */
const withPerson = (person: unknown, more: object = {}) => {
  const document = honest() as unknown as { components: { schemas: object } };
  document.components.schemas = { ...document.components.schemas, Person: person, ...more };
  return document;
};
const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const doubling = Object.fromEntries(
  Array.from({ length: 15 }, (_, index) => [
    `S${index}`,
    { allOf: Array.from({ length: 9 }, () => reference(`S${index + 1}`)) },
  ]),
);
const deep = `{"openapi":"3.1.0","paths":${'{"a":'.repeat(30_000)}1${'}'.repeat(30_000)}}`;

test.each([
  ['no JSON', 'openapi: 3.1.0'],
  ['a list', '[]'],
  ['another kind of document', { swagger: '2.0', paths: {} }],
  ['no paths', { openapi: '3.1.0' }],
  ['paths that are a text', { openapi: '3.1.0', paths: '/people' }],
  ['a version that is a number', { openapi: 3.1, paths: {} }],
  ['a reference to itself', withPerson(reference('Person'))],
  ['references in a circle', withPerson(reference('A'), { A: reference('B'), B: reference('A') })],
  ['allOf in a circle', withPerson({ allOf: [reference('Person')] })],
  ['oneOf in a circle', withPerson({ oneOf: [reference('Person')] })],
  ['schemas that double at each level', withPerson(reference('S0'), { ...doubling, S15: { type: 'object' } })],
  ['a reference to nothing', withPerson(reference('Nobody'))],
  ['a reference to what all objects have', withPerson({ $ref: '#/constructor/prototype' })],
  ['a reference to a file', withPerson({ $ref: 'file:///etc/passwd' })],
  ['a reference to another server', withPerson({ $ref: 'https://other.example/schema.json#/Person' })],
  [
    'more fields than records have',
    withPerson({ properties: Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [`f${i}`, {}])) }),
  ],
])('a document with %s is refused by its setting', (_, document) => {
  const [violation] = violations(document);
  expect(violation?.field).toBe('/document');
});

test('a document that does not say what records have is refused where its list would be', () => {
  expect(violations(withPerson({ type: 'object' }))).toMatchObject([{ field: '/listPath' }]);
});

test.each([
  ['wrong kinds everywhere', { ...honest(), paths: { '/people': { get: { parameters: 7, responses: [] } } } }],
  ['a path that is a list', { ...honest(), paths: { '/people': [] } }],
  ['an operation that is a text', { ...honest(), paths: { '/people': { get: 'yes' } } }],
  ['levels without an end', deep],
])('a document with %s has no such collection', (_, document) => {
  expect(violations(document)).toMatchObject([{ field: '/path' }]);
});

test('records that hold records have fields to an end', async () => {
  const person = { properties: { id: { type: 'integer' }, name: { type: 'string' }, boss: reference('Person') } };
  const { recordTypes } = await connect(withPerson(person)).describe(signal);
  expect(recordTypes[0]?.fields.map(({ name, type }) => [name, type])).toEqual([
    ['id', 'DECIMAL'],
    ['name', 'TEXT'],
    ['boss', 'JSON'],
  ]);
});

test.each([
  [{ path: '/persons' }, '/path', 'It has /people.'],
  [{ path: undefined, listOperation: 'nothing' }, '/listOperation', 'It has /people.'],
  [{ updateOperation: 'nothing' }, '/updateOperation', 'no such operation'],
  [{ updateOperation: 'createPerson' }, '/updateOperation', 'one parameter'],
  [{ readOperation: 'listPeople' }, '/readOperation', 'one parameter'],
  [{ listPath: 'total' }, '/listPath', 'no list'],
  [{ idField: 'uid' }, '/idField', 'They have id, key, name'],
  [{ path: undefined }, '/path', 'listOperation is missing'],
  [{ documentUrl: 'https://crm.example/openapi.json' }, '/document', 'besides documentUrl'],
  [{ keyField: 'key' }, '/findByKey', 'is missing'],
  [{ changedSince: 'since={time}' }, '/updatedField', 'is missing'],
  [{ changedSince: 'since=', updatedField: 'updated_at' }, '/changedSince', 'pattern'],
  [{ password: 'x' }, '/username', 'is missing'],
  [{ bearerToken: 'x', apiKeySecret: 'y' }, '/apiKeySecret', 'besides'],
  [{ bearerToken: 'a\r\nhost: b' }, '/bearerToken', 'pattern'],
  [{ apiKeyHeader: 'Host' }, '/apiKeyHeader', 'pattern'],
  [{ url: 'https://crm.example@other.example/' }, '/url', 'pattern'],
  [{ paging: 'CURSOR', pageParameter: 'after' }, '/nextPath', 'is missing'],
])('settings with %j are refused by %s', (change, field, description) => {
  const all = violations(honest(), change);
  expect(all).toEqual([
    { field, reason: expect.any(String) as string, description: expect.stringContaining(description) as string },
  ]);
});

describe('what a document says is not asked for', () => {
  test('operations, paging, where records are, preconditions, fields and what is required', async () => {
    const change = { keyField: 'key', findByKey: 'key={key}' };
    const { recordTypes } = await connect(honest(), change).describe(signal);
    expect(recordTypes).toMatchObject([
      {
        name: 'people',
        capabilities: { incremental: false, create: true, update: true, delete: true, preconditions: true },
      },
    ]);
    const fields = recordTypes[0]?.fields ?? [];
    expect(fields.filter(({ required }) => required).map(({ name }) => name)).toEqual(['name']);
    expect(fields.filter(({ writable }) => !writable).map(({ name }) => name)).toEqual(['id', 'key', 'updated_at']);
    expect(fields.find(({ name }) => name === 'paid')).toMatchObject({ type: 'DECIMAL', fractionDigits: 2 });
  });
});
