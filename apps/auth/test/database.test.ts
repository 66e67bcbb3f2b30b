import { catalogFaults, schemaDifference } from '@rapport/persistence';
import { beforeAll, expect, test } from 'vitest';
import { entities } from '../src/storage/database.js';
import { RunningAuth } from './running-auth.js';

// Who signs in says a workspace before the tenant is known. There is nothing in it but names and ids.
const tablesOfAllTenants = [
  'workspace',
  // The OpenID provider's records are found by what a browser or a client shows before anybody knows a tenant: by the hash of an
  // id of 126 random bits or more, and nothing lists them.
  'oidc_record',
  // Everybody's tokens are signed with the same keys.
  'signing_key',
  // An address tries the accounts of many tenants. There is nothing in it but keyed hashes and numbers.
  'attempt_window',
  // Preflights have no credential. There is nothing in it but origins and ids of OAuth clients.
  'allowed_origin',
  // Receipts of tenants that are closed. There is nothing in it but ids, times, numbers and a hash.
  'closed_tenant',
];

let auth: RunningAuth;

beforeAll(async () => {
  auth = await RunningAuth.shared();
});

test('every table keeps tenants apart', async () => {
  expect(await catalogFaults(auth.urls.appUrl, tablesOfAllTenants)).toEqual([]);
});

test('migrations and entities agree', async () => {
  const others = [/^audit_/, 'oidc_record', 'signing_key', 'allowed_origin', 'closed_tenant'];
  expect(await schemaDifference({ databaseUrl: auth.urls.ownerUrl, entities }, others)).toBe('');
});
