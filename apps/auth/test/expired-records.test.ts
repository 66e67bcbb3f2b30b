import { createLogger } from '@rapport/platform';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ExpiredRecords } from '../src/oidc/records/clear-expired-records.js';
import { OidcDatabase } from '../src/oidc/records/oidc-database.js';
import { RunningProvider } from './running-provider.js';

let provider: RunningProvider;

beforeAll(async () => {
  provider = await RunningProvider.shared();
});
afterAll(() => provider.stop());

test('expired records are deleted, and no others', async () => {
  const { access_token: token } = await provider.clientCredentials(await provider.newClient());
  await provider.sql(
    `insert into oidc_record (hash, kind, payload, expire_time)
      select sha256(convert_to(n::text, 'UTF8')), 'Interaction', '{"made":"here"}', now() - interval '2 minutes'
      from generate_series(1, 1200) n`,
  );
  const recordsLeft = () => provider.sql(`select from oidc_record where payload = '{"made":"here"}'`);
  expect(await recordsLeft()).toHaveLength(1_200);
  const database = new OidcDatabase(provider.auth.emOf(provider.caller.tenantId));

  await new ExpiredRecords(database, createLogger('test', 'silent')).clear();

  expect(await recordsLeft()).toEqual([]);
  expect(await provider.isActive(token)).toBe(true);
});
