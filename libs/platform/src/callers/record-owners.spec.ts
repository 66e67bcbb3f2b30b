import { expect, test } from 'vitest';
import { callContext } from './call-context.js';
import { callingUserId, ownersSeenBy } from './record-owners.js';

const user = '019ab2f4-0000-7000-8000-000000000001';
const team = '019ab2f4-0000-7000-8000-000000000002';
const caller = { tenantId: team, principalId: `user:${user}`, permissions: [], teamIds: [team] };

test.each([
  ['every owner by default', caller, undefined],
  ['all', { ...caller, recordScope: 'ALL' as const }, undefined],
  ['its own, not its team', { ...caller, recordScope: 'OWN' as const }, [user]],
  ['its own and its team', { ...caller, recordScope: 'TEAM' as const }, [user, team]],
  ['an API key', { ...caller, recordScope: 'OWN' as const, principalId: `apiKey:${user}` }, [user]],
  [
    'no owner for a client, which can own nothing',
    { ...caller, recordScope: 'OWN' as const, principalId: `client:${user}` },
    [],
  ],
])('the owners of a caller’s scope: %s', (_, seenBy, owners) => {
  expect(ownersSeenBy(seenBy)).toEqual(owners);
});

test.each([
  ['a user', caller, undefined, user],
  ['no API key', { ...caller, principalId: `apiKey:${user}` }, undefined, undefined],
  ['no service', { ...caller, principalId: 'service:sync' }, undefined, undefined],
  ['no flow in the name of a user', caller, { origin: 'flow' }, undefined],
  ['nobody without a credential', undefined, undefined, undefined],
])('the calling user is %s', (_, asking, cause, id) => {
  const context = { requestId: '1', caller: asking, ...(cause && { cause }) };
  expect(callContext.run(context, callingUserId)).toBe(id);
});
