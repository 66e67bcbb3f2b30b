import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Platform } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSyncPlatform } from '../sync-platform.ts';
import { contactFields, ExchangeTenant } from './exchange-tenant.ts';

const samples = join(import.meta.dirname, '../connectors/vcards');

let platform: Platform;

beforeAll(async () => {
  platform = await startSyncPlatform();
}, 120_000);
afterAll(async () => platform.stop());

/** What programs have written, and what is in the customers that it gives: read off the files by eye. */
const expected: Record<string, object[]> = {
  'rfc2426-example.vcf': [
    {
      displayName: 'Frank Dawson',
      emails: [{ address: 'Frank_Dawson@lotus.com' }, { address: 'fdawson@earthlink.net' }],
    },
    { displayName: 'Tim Howes' },
  ],
};

test('customers have names, addresses and numbers of every given vCard', { timeout: 240_000 }, async () => {
  const files = (await readdir(samples)).filter((file) => file.endsWith('.vcf'));
  expect(files.length).toBe(9);
  for (const file of files) {
    const tenant = await ExchangeTenant.create(platform);
    const folder = join(platform.filesDir, tenant.api.tenant.tenantId);
    await mkdir(folder, { recursive: true });
    await copyFile(join(samples, file), join(folder, file));
    const connection = await tenant.connect('file', { file, format: 'VCARD' });
    const mapping = await tenant.map(connection, {
      recordType: 'record',
      direction: 'TO_CUSTOMERS',
      fields: contactFields,
    });
    expect(await tenant.run(mapping)).toMatchObject({ state: 'SUCCEEDED' });
    const customers = [...(await tenant.customers()).values()];
    expect(await tenant.conflicts(mapping)).toEqual([]);
    expect(customers).toEqual(
      expect.arrayContaining((expected[file] ?? []).map((one) => expect.objectContaining(one) as object)),
    );
  }
});
