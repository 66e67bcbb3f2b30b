import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { platformContract } from '../descriptors/platform-contract.js';
import { restRoutes } from './rest-routes.js';

// A server makes a schema for the first request that needs it, and does not check it: a fault in the contract would be found only then.
test('every part of every request of the contract has a valid schema', () => {
  const makers = restRoutes(platformContract()).flatMap(({ schemas }) => Object.values(schemas));
  const ajv = new Ajv2020({ strict: false });

  expect(makers.length).toBeGreaterThan(1_000);
  const schemas = new Map<string, object>();
  for (const make of makers) {
    const schema = make();
    expect(schema).toMatchObject({ type: 'object' });
    schemas.set(JSON.stringify(schema), schema);
  }
  for (const [text, schema] of schemas) expect(ajv.validateSchema(schema), text).toBe(true);
});
