import { expect, test } from 'vitest';
import { serviceDefinitions } from '../gen/services.js';
import { areaOf } from './area-of.js';

test('every method of the contract is served by the edge or by one of three services', () => {
  const paths = serviceDefinitions.flatMap((service) => Object.values(service)).map(({ path }) => path);

  expect([...new Set(paths.map(areaOf))].toSorted()).toEqual(['auth', 'customers', 'edge', 'sync']);
  expect(areaOf('/rapport.sales.v1.DealsService/GetDeal')).toBe('customers');
  expect(areaOf('/rapport.work.v1.SettingsService/GetSettings')).toBe('customers');
});

test('a path outside all areas is refused', () => {
  expect(() => areaOf('/grpc.health.v1.Health/Check')).toThrow('/grpc.health.v1.Health/Check is in no area');
});
