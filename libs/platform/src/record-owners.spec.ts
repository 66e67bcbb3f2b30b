import { expect, test } from 'vitest';
import { ownersSeenBy } from './record-owners.js';

const user = '019ab2f4-0000-7000-8000-000000000001';
const team = '019ab2f4-0000-7000-8000-000000000002';
const caller = { tenantId: team, principalId: `user:${user}`, permissions: [], teamIds: [team] };

test.each([
  ['all by default', caller, undefined],
  ['all', { ...caller, recordScope: 'ALL' as const }, undefined],
  ['its own, not those of its team', { ...caller, recordScope: 'OWN' as const }, [user]],
  ['those of its team too', { ...caller, recordScope: 'TEAM' as const }, [user, team]],
  ['those of an API key', { ...caller, recordScope: 'OWN' as const, principalId: `apiKey:${user}` }, [user]],
  ['none of a client that can own none', { ...caller, recordScope: 'OWN' as const, principalId: `client:${user}` }, []],
])('a caller sees the records of owners: %s', (_, seenBy, owners) => {
  expect(ownersSeenBy(seenBy)).toEqual(owners);
});
