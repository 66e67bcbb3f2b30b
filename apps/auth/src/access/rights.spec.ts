import { expect, test } from 'vitest';
import { combineGrants, type Grant } from './rights.js';

const reader: Grant = { permissions: ['customers.read'], recordScope: 'ALL', hidesPii: true };
const writer: Grant = { permissions: ['customers.read', 'customers.write'], recordScope: 'OWN', hidesPii: false };

test('two roles together allow nothing that neither of them does', () => {
  expect(combineGrants([reader, writer])).toEqual({
    permissions: ['customers.read', 'customers.write'],
    recordScope: 'OWN',
    hidesPii: true,
  });
});

test('no role allows nothing', () => {
  expect(combineGrants([])).toEqual({ permissions: [], recordScope: 'OWN', hidesPii: false });
});
