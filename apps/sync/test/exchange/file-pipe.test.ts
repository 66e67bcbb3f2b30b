import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sharedPlatform } from '@rapport/testing';
import { expect, inject, test } from 'vitest';
import { ExchangeTenant } from './exchange-tenant.ts';

test('a named pipe in the folder of a tenant is no file, and blocks no thread', { timeout: 120_000 }, async () => {
  const platform = await sharedPlatform(inject('platformUrl'));
  const tenant = await ExchangeTenant.create(platform);
  const folder = join(platform.filesDir, tenant.api.tenant.tenantId);
  await mkdir(folder, { recursive: true });
  execFileSync('mkfifo', [join(folder, 'people.vcf')]);
  const connection = await tenant.connect('file', { file: 'people.vcf', format: 'VCARD' });

  const checks = Array.from({ length: 6 }, () => tenant.api.send('POST', `/v1/connections/${connection}:check`));
  const missing = await tenant.connect('file', { file: 'nobody.vcf', format: 'VCARD' });
  const ofMissing = await tenant.api.send('POST', `/v1/connections/${missing}:check`);

  for (const answer of await Promise.all(checks)) {
    expect(answer).toMatchObject({ status: ofMissing.status, body: { code: ofMissing.body['code'] } });
  }
});
