import type { Caller } from '@rapport/platform';
import { expect, it } from 'vitest';
import { hasLostRights } from './lost-rights.js';

const caller: Caller = {
  tenantId: 't',
  principalId: 'user:ada',
  permissions: ['ores.read', 'ores.write'],
  recordScope: 'TEAM',
  teamIds: ['north'],
};

it.each<[string, Partial<Caller>]>([
  ['a permission', { permissions: ['ores.read'] }],
  ['the records of its team', { recordScope: 'OWN' }],
  ['its team', { teamIds: ['south'] }],
  ['all teams', { teamIds: [] }],
  ['access to personal data', { hidesPii: true }],
])('a caller that lacks %s has lost rights', (_, change) => {
  expect(hasLostRights(caller, { ...caller, ...change })).toBe(true);
});

it.each<[string, Partial<Caller>]>([
  ['nothing', {}],
  ['one more permission', { permissions: ['a', 'ores.write', 'ores.read'] }],
  ['all records', { recordScope: 'ALL', teamIds: [] }],
  ['one more team', { teamIds: ['south', 'north'] }],
])('a caller that is given %s has not', (_, change) => {
  expect(hasLostRights(caller, { ...caller, ...change })).toBe(false);
});

it('a caller that sees all records, which it need not say, loses them by any other scope', () => {
  const { recordScope: _, ...all } = caller;
  expect(hasLostRights(all, { ...all, recordScope: 'TEAM' })).toBe(true);
  expect(hasLostRights(all, { ...all, recordScope: 'ALL' })).toBe(false);
});
