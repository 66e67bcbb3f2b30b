import { catalogFaults, schemaDifference } from '@rapport/persistence';
import { beforeAll, expect, test } from 'vitest';
import { entities } from '../src/storage/database.js';
import { RunningAuth } from './running-auth.js';

// Read at sign-in, before the tenant is known. It contains only names and ids.
const tablesOfAllTenants = [
  'workspace',
  // The OpenID provider finds its records before the tenant is known: by the hash of an id of at least 126 random bits. No statement
  // lists them.
  'oidc_record',
  // The tokens of all tenants are signed with the same keys.
  'signing_key',
  // One address may try accounts of many tenants. It contains only keyed hashes and numbers.
  'attempt_window',
  // Preflights have no credential. It contains only origins and ids of OAuth clients.
  'allowed_origin',
  // Receipts of closed tenants. It contains only ids, times, numbers and a hash.
  'closed_tenant',
  // Sync claims the changes of all tenants. It contains only ids, numbers and times.
  'user_state_change',
];

let auth: RunningAuth;

beforeAll(async () => {
  auth = await RunningAuth.shared();
});

test('every table isolates tenants', async () => {
  expect(await catalogFaults(auth.urls.appUrl, tablesOfAllTenants)).toEqual([]);
});

test('migrations and entities agree', async () => {
  const others = [/^audit_/, 'oidc_record', 'signing_key', 'allowed_origin', 'closed_tenant', 'user_state_change'];
  expect(await schemaDifference({ databaseUrl: auth.urls.ownerUrl, entities }, others)).toBe('');
});
