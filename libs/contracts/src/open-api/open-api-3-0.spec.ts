import { describe, expect, it } from 'vitest';
import { platformContract } from '../descriptors/platform-contract.js';
import { restRoutes } from '../rest/rest-routes.js';
import { asOpenApi30 } from './open-api-3-0.js';
import { openApiDocument } from './open-api.js';

type Json = Record<string, unknown>;

const contract = platformContract();
const current = openApiDocument(contract, restRoutes(contract), '1.0.0');
const document = asOpenApi30(current);
const license = { name: 'Apache-2.0' };

describe('the document as OpenAPI 3.0', () => {
  it('has the same operations, schemas and webhooks', () => {
    const before = current as { paths: Json; webhooks: Json; components: { schemas: Json } };
    const after = document as { paths: Json; 'x-webhooks': Json; components: { schemas: Json } };
    expect(Object.keys(after.paths)).toEqual(Object.keys(before.paths));
    expect(Object.keys(after.components.schemas)).toEqual(Object.keys(before.components.schemas));
    expect(Object.keys(after['x-webhooks'])).toEqual(Object.keys(before.webhooks));
  });

  it('has no word of 3.1', () => {
    const words = new Set(keysIn(document));
    expect(['const', 'examples', 'anyOf', 'oneOf', 'webhooks', 'identifier'].filter((word) => words.has(word))).toEqual(
      [],
    );
    expect(JSON.stringify(document)).not.toMatch(/"type":(\[|"null")/);
  });
});

it('both documents take at most 4.2 kB an operation, schemas included', () => {
  const { paths } = current as { paths: Record<string, Json> };
  const operations = Object.values(paths).flatMap((methods) => Object.keys(methods));
  for (const each of [current, document]) {
    expect(JSON.stringify(each).length).toBeLessThan(4_200 * operations.length);
  }
});

describe('a schema of 3.1 becomes', () => {
  it.each([
    ['text that may be null', { type: ['string', 'null'] }, { type: 'string', nullable: true }],
    [
      'an enum that may be null',
      { type: ['string', 'null'], enum: ['A', null] },
      { type: 'string', nullable: true, enum: ['A', null] },
    ],
    ['one example', { type: 'integer', examples: [1, 2] }, { type: 'integer', example: 1 }],
    ['an enum of one', { const: 'a.b' }, { type: 'string', enum: ['a.b'] }],
    ['a plain reference', { $ref: '#/a' }, { $ref: '#/a' }],
    ['a described reference', { $ref: '#/a', description: 'A.' }, { allOf: [{ $ref: '#/a' }], description: 'A.' }],
    [
      'a reference that may be null',
      { anyOf: [{ $ref: '#/a' }, { type: 'null' }], 'x-rapport-pii': true },
      { type: 'object', nullable: true, allOf: [{ $ref: '#/a' }], 'x-rapport-pii': true },
    ],
    [
      'the same within lists and objects',
      { type: 'object', properties: { examples: { type: 'array', items: { type: ['string', 'null'] } } } },
      { type: 'object', properties: { examples: { type: 'array', items: { type: 'string', nullable: true } } } },
    ],
  ])('%s', (_, schema, expected) => {
    expect(schemaOf(schema)).toEqual(expected);
  });

  it('an error for what has no form', () => {
    expect(() => schemaOf({ prefixItems: [] })).toThrow('prefixItems');
    expect(() => schemaOf({ type: ['string', 'integer'] })).toThrow('one type');
    expect(() => schemaOf({ anyOf: [{ type: 'string' }, { type: 'integer' }] })).toThrow('null only');
  });
});

it('a body without a schema is bytes', () => {
  const { paths } = asOpenApi30({
    info: { license },
    components: { schemas: {} },
    paths: { '/a': { put: { requestBody: { content: { '*/*': {} } } } } },
  }) as { paths: Json };
  expect(paths['/a']).toMatchObject({
    put: { requestBody: { content: { '*/*': { schema: { type: 'string', format: 'binary' } } } } },
  });
});

function schemaOf(schema: Json): unknown {
  const { components } = asOpenApi30({ info: { license }, components: { schemas: { One: schema } } });
  return (components as { schemas: Json }).schemas['One'];
}

function keysIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [...(Array.isArray(value) ? [] : [key]), ...keysIn(inner)]);
}
