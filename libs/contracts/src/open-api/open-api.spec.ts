import type { DescMessage } from '@bufbuild/protobuf';
import { describe, expect, it, test } from 'vitest';
import { platformContract } from '../descriptors/platform-contract.js';
import { recordContracts } from '../records/record-contract.js';
import { JsonSchemas } from '../rest/json-schema.js';
import { restRoutes } from '../rest/rest-routes.js';
import { openApiDocument } from './open-api.js';

interface Operation {
  parameters: { in: string; name: string }[];
  responses: Record<string, { content: Record<string, unknown> }>;
}

const contract = platformContract();
const document = openApiDocument(contract, restRoutes(contract), '1.0.0') as {
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, { properties: Record<string, unknown> }>;
    responses: Record<string, unknown>;
  };
};

describe('two methods on one path', () => {
  const changes = document.paths['/v1/changes']?.['get'];

  it('are one operation that answers as an object, as events or as lines', () => {
    expect(Object.keys(changes?.responses['200']?.content ?? {}).sort()).toEqual([
      'application/json',
      'application/x-ndjson',
      'text/event-stream',
    ]);
  });

  it('have a parameter once that both of them have', () => {
    const parameters = changes?.parameters.map((parameter) => `${parameter.in} ${parameter.name}`) ?? [];
    expect(parameters).toEqual([...new Set(parameters)]);
    expect(parameters).toContain('query cursor');
  });
});

describe('answers that several operations have', () => {
  const { post } = document.paths['/v1/deals'] ?? {};
  const { patch } = document.paths['/v1/deals/{id}'] ?? {};

  it('are one component', () => {
    const answer = { $ref: '#/components/responses/DealAnswer' };
    expect([post?.responses['201'], patch?.responses['200']]).toEqual([answer, answer]);
    expect(document.components.responses['DealAnswer']).toMatchObject({
      headers: { ETag: {}, RateLimit: {} },
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Deal' } } },
    });
  });
});

test('the document of 30 types of records has at most 3 MB', () => {
  const others = recordContracts(contract).slice(30);
  expect(others.length).toBeGreaterThan(10);
  const services = new Set(others.map(({ plural }) => `${plural}service`.toLowerCase()));
  const routes = restRoutes(contract).filter(({ method }) => !services.has(method.service.name.toLowerCase()));
  expect(JSON.stringify(openApiDocument(contract, routes, '1.0.0')).length).toBeLessThan(3_000_000);
});

describe('a message that stands for a problem', () => {
  it('has the one schema of problems wherever an answer has it', () => {
    const { schemas } = document.components;
    const problem = { $ref: '#/components/schemas/Problem' };
    expect(schemas['BatchResult']?.properties['problem']).toMatchObject(problem);
    expect(schemas['Operation']?.properties['error']).toMatchObject(problem);
    expect(Object.keys(schemas)).not.toEqual(expect.arrayContaining(['BatchProblem']));
    expect(Object.keys(schemas)).not.toEqual(expect.arrayContaining(['OperationError']));
  });
});

describe('messages of one name in several packages', () => {
  const schemas = new JsonSchemas(contract, (_, { name }) => ({ $ref: name }));

  it.each(['input', 'output'] as const)(
    'have one schema as %s, since the document names it by the message',
    (usage) => {
      const messages = new Set(contract.methods.flatMap(({ http, desc }) => (http ? within(desc[usage]) : [])));
      for (const named of Map.groupBy(messages, ({ name }) => name).values()) {
        const found = named.map((message) => schemas.message(message, usage));
        expect(found).toEqual(found.map(() => found[0]));
      }
    },
  );
});

/** A message and those in it at any depth. */
function within(message: DescMessage, known = new Set<DescMessage>()): DescMessage[] {
  if (known.has(message) || message.typeName.startsWith('google.')) return [];
  known.add(message);
  return [message, ...message.fields.flatMap((field) => (field.message ? within(field.message, known) : []))];
}
