import { Team } from '@rapport/contracts/rapport/auth/v1/teams_service';
import { User_State } from '@rapport/contracts/rapport/auth/v1/users_service';
import { v7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RunningAuth } from './running-auth.js';

let auth: RunningAuth;

beforeAll(async () => {
  // A service of its own, because the caller is a different process than in other tests.
  auth = await RunningAuth.start({}, 'customers');
});
afterAll(() => auth.stop());

test('customers finds the users, API keys and teams of a tenant, disabled and revoked ones too', async () => {
  const [admin, other] = [await auth.newCaller(), await auth.newCaller()];
  const [{ user }, { user: deleted }, { user: stranger }] = [
    await auth.newUser(admin),
    await auth.newUser(admin),
    await auth.newUser(other),
  ];
  const key = await auth.createApiKey(admin);
  const team = await auth.call(
    'createTeam',
    { team: { ...Team.decode(new Uint8Array()), displayName: 'North' } },
    admin,
  );
  await auth.call(
    'updateUser',
    { id: user.id, user: { ...user, state: User_State.DISABLED }, updateMask: ['state'] },
    admin,
  );
  await auth.call('revokeApiKey', { id: key.id }, admin);
  await auth.call('deleteUser', { id: deleted.id }, admin);

  const ids = [user.id, deleted.id, stranger.id, key.id, team.id, v7()];
  const found = await auth.call('findOwners', { tenantId: admin.tenantId, ids });

  expect(found.principalIds.toSorted()).toEqual([user.id, key.id].toSorted());
  expect(found.teamIds).toEqual([team.id]);
});

test('customers finds users by e-mail address and display name, regardless of case, in their tenant only', async () => {
  const [admin, other] = [await auth.newCaller(), await auth.newCaller()];
  const [{ user }, { user: named }, { user: stranger }] = [
    await auth.newUser(admin),
    await auth.newUser(admin),
    await auth.newUser(other),
  ];
  await auth.call(
    'updateUser',
    { id: named.id, user: { ...named, displayName: 'Jo North' }, updateMask: ['displayName'] },
    admin,
  );

  const names = [user.email.toUpperCase(), 'JO north', stranger.email, 'Nobody'];
  const found = await auth.call('findUsers', { tenantId: admin.tenantId, names });

  expect(found.users.map(({ id }) => id)).toEqual([user.id, named.id].toSorted());
  expect(found.users.find(({ id }) => id === named.id)).toMatchObject({ email: named.email, displayName: 'Jo North' });
});
