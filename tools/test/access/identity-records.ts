import type { SharedPlatform } from '@rapport/testing';
import { addSession } from './add-session.ts';
import { newMarker, once, oncePerKey } from './markers.ts';

interface Calls {
  platform: SharedPlatform;
  create: (path: string, body?: object) => Promise<string>;
  remove: (collection: string, id: string) => Promise<string>;
  tenantId: () => Promise<string>;
}

/** The role of a tenant's users: a tenant has fewer roles than the access matrix makes users. */
const roleOfUsers = oncePerKey<string>();

/** Creates users, roles, teams, sessions, keys and clients, named by `marker`. `makeUser` creates one more user. */
export function identityRecords({ platform, create, remove, tenantId }: Calls, marker: string) {
  // To change a role, a caller needs the role's permissions, and every caller has this one.
  const permissions = ['account.read'];
  const makeRole = (name: string) => create('/v1/roles', { displayName: `${marker} ${name}`, permissions });
  const role = once(() => makeRole('Reader'));
  const makeTeam = (name: string) => create('/v1/teams', { displayName: `${marker} ${name}` });
  const makeUser = async () => {
    const roleIds = [await roleOfUsers(await tenantId(), () => makeRole('User'))];
    return create('/v1/users', { email: `${newMarker()}@example.com`, displayName: marker, roleIds });
  };
  const user = once(makeUser);
  const session = async () => addSession(platform, await tenantId(), await user());
  const makeClient = () =>
    create('/v1/oauthClients', {
      displayName: marker,
      confidential: true,
      grantTypes: ['CLIENT_CREDENTIALS'],
      // To change it, a caller needs its permissions.
      permissions: ['oauthClients.write'],
    });
  const client = once(makeClient);
  const formerClient = once(async () => remove('oauthClients', await makeClient()));

  const living = {
    apiKeys: () => create('/v1/apiKeys', { displayName: marker, permissions }),
    users: user,
    roles: role,
    teams: () => makeTeam('North'),
    sessions: session,
    oauthClients: client,
    connectedApps: client,
  };
  const deleted = {
    users: async () => remove('users', await makeUser()),
    roles: async () => remove('roles', await makeRole('Former')),
    teams: async () => remove('teams', await makeTeam('Former')),
    sessions: async () => remove('sessions', await session()),
    oauthClients: formerClient,
    connectedApps: formerClient,
  };
  return { living, deleted, makeUser };
}
