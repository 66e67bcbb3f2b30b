import { expect, test } from 'vitest';
import { combineGrants, type Grant } from './rights.js';

const reader: Grant = { permissions: ['customers.read'], recordScope: 'ALL', hidesPii: true };
const writer: Grant = { permissions: ['customers.read', 'customers.write'], recordScope: 'OWN', hidesPii: false };

test('two combined roles allow nothing that neither allows alone', () => {
  expect(combineGrants([reader, writer])).toEqual({
    permissions: ['customers.read', 'customers.write'],
    recordScope: 'OWN',
    hidesPii: true,
  });
});

test('no roles allow nothing', () => {
  expect(combineGrants([])).toEqual({ permissions: [], recordScope: 'OWN', hidesPii: false });
});
