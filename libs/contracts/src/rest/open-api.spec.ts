import { describe, expect, it } from 'vitest';
import { platformContract } from '../descriptors/platform-contract.js';
import { openApiDocument } from './open-api.js';
import { restRoutes } from './rest-routes.js';

interface Operation {
  parameters: { in: string; name: string }[];
  responses: Record<string, { content: Record<string, unknown> }>;
}

const contract = platformContract();
const document = openApiDocument(contract, restRoutes(contract), '1.0.0') as {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { properties: Record<string, unknown> }> };
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
