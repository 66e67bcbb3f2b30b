import { expect, test } from 'vitest';
import { platformContract } from '../descriptors/platform-contract.js';
import { restRoutes } from './rest-routes.js';

// A server makes a schema for the first request that needs it: a fault in the contract would be found only then.
test('every part of every request of the contract has a schema', () => {
  const makers = restRoutes(platformContract()).flatMap(({ schemas }) => Object.values(schemas));

  expect(makers.length).toBeGreaterThan(1_000);
  for (const make of makers) expect(make()).toMatchObject({ type: 'object' });
});
