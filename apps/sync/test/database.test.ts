import { randomBytes } from 'node:crypto';
import { catalogFaults, runMigrations, schemaDifference } from '@rapport/persistence';
import { provisionDatabase, type ProvisionedDatabase } from '@rapport/testing';
import { beforeAll, expect, inject, test } from 'vitest';
import { entities, migrations } from '../src/database.js';

// Workers look in them for what all tenants need; there is nothing in them but ids, times and a cursor.
const tablesOfAllTenants = ['webhook_tenant', 'webhook_job', 'feed_cursor'];

// Events, deliveries and jobs are written and read by SQL only.
const tablesOfSql = [/^webhook_(tenant|event|delivery|attempt|job)$/, /^feed_cursor$/, /^audit_/];

const sync = {} as { urls: ProvisionedDatabase };

beforeAll(async () => {
  sync.urls = await provisionDatabase(inject('superuserUrl'), `sync_${randomBytes(6).toString('hex')}`);
  await runMigrations({ databaseUrl: sync.urls.ownerUrl, entities, migrations });
});

test('every table keeps tenants apart', async () => {
  expect(await catalogFaults(sync.urls.appUrl, tablesOfAllTenants)).toEqual([]);
});

test('migrations and entities agree', async () => {
  expect(await schemaDifference({ databaseUrl: sync.urls.ownerUrl, entities }, tablesOfSql)).toBe('');
});
