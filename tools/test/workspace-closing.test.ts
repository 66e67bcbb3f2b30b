import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { PrincipalSigner } from '@rapport/contracts';
import { queryDatabase, sharedPlatform } from '@rapport/testing';
import { describe, expect, inject, it, vi } from 'vitest';
import { newMarker } from './access/markers.ts';
import { makeTenantRecords, type Wanted } from './access/tenant-records.ts';
import { ServiceCaller } from './access/service-caller.ts';
import { ApiClient } from './api-client.ts';
import { databaseUrl, oldestTransaction, tablesWithEach } from './tables-with.ts';

const platform = await sharedPlatform(inject('platformUrl'));

interface FilledTenant {
  tenantId: string;
  marker: string;
  api: ApiClient;
}

/** A tenant with records of some or all collections, named by a text that no other tenant has. */
async function filledTenant(wanted: Wanted = {}): Promise<FilledTenant> {
  const { tenantId, apiKey } = await platform.createTenant('Closing');
  const api = await ApiClient.connect(platform.edgeUrl, apiKey);
  const marker = newMarker();
  await makeTenantRecords(platform, api, marker, wanted);
  return { tenantId, marker, api };
}

/** A tenant with people whose personal data is encrypted. */
async function encryptedTenant(): Promise<FilledTenant> {
  const { tenantId, apiKey } = await platform.createTenant('Sealed');
  const api = await ApiClient.connect(platform.edgeUrl, apiKey);
  const marker = newMarker();
  const { id } = (await api.send('POST', '/v1/personalData:encrypt')).body as { id: string };
  const hasEnded = async () => {
    const { body } = await api.send('GET', `/v1/operations/${id}`);
    return (body as { state: string }).state === 'SUCCEEDED';
  };
  await vi.waitUntil(hasEnded, { timeout: 120_000, interval: 100 });
  const body = { kind: 'PERSON', displayName: marker, emails: [{ address: `${marker}@example.com` }] };
  expect((await api.send('POST', '/v1/customers', { body })).status).toBe(201);
  return { tenantId, marker, api };
}

function close({ tenantId, api }: FilledTenant): Promise<unknown> {
  return api.send('POST', '/v1/workspace:close', { body: { tenantId } });
}

type Receipt = Record<string, unknown>;

async function untilComplete({ tenantId }: FilledTenant): Promise<Receipt> {
  const url = databaseUrl(platform.postgres.superuserUrl, 'auth');
  const sql = 'select * from closed_tenant where id = $1 and complete_time is not null';
  const receipt = async () => (await queryDatabase<Receipt>(url, sql, [tenantId]))[0];
  return vi.waitUntil(receipt, { timeout: 120_000, interval: 200 });
}

/** All readable data of a tenant. */
async function shown({ api }: FilledTenant): Promise<unknown[]> {
  const paths = [
    'tenant',
    'customers',
    'deals',
    'pipelines',
    'customFields',
    'merges',
    'users',
    'roles',
    'webhookEndpoints',
    'connections',
  ];
  return Promise.all(paths.map(async (path) => (await api.send('GET', `/v1/${path}`)).body));
}

describe('closing a workspace', () => {
  it(
    'leaves no row of it in any table but its receipt, and changes nothing of another tenant',
    { timeout: 400_000 },
    async () => {
      const { superuserUrl } = platform.postgres;
      const since = await oldestTransaction(superuserUrl);
      const tenant = await filledTenant();
      const sealed = await encryptedTenant();
      const other = await filledTenant({ living: ['deals', 'files', 'mappings', 'users', 'merges'], deleted: [] });
      const texts = [[tenant.tenantId, tenant.marker], [sealed.tenantId, sealed.marker], [other.marker]];
      const tables = () => tablesWithEach(superuserUrl, texts, since);
      const otherBefore = await shown(other);
      const [before, sealedBefore, ofOtherBefore] = await tables();
      expect(before).toEqual(
        expect.arrayContaining([
          ...['auth.api_key', 'auth.audit_entry', 'auth.user_account', 'auth.oauth_client', 'auth.role'],
          ...[
            'customers.customer',
            'customers.change_log_0',
            'customers.audit_entry',
            'customers.file',
            'customers.operation',
          ],
          ...['sync.webhook_endpoint', 'sync.connection', 'sync.mapping', 'sync.audit_entry'],
        ]),
      );
      expect(sealedBefore).toEqual(expect.arrayContaining(['keys.subject_key', 'keys.tenant_key']));

      for (const each of [tenant, sealed]) {
        expect(await close(each)).toMatchObject({ status: 200, body: { tenantId: each.tenantId } });
      }

      expect(await close(tenant)).toMatchObject({ status: 401 });
      const receipts = [await untilComplete(tenant), await untilComplete(sealed)];
      for (const receipt of receipts) {
        expect(Number(receipt['customers_rows'])).toBeGreaterThan(0);
        expect(Number(receipt['auth_rows'])).toBeGreaterThan(0);
      }
      expect(Number(receipts[0]?.['sync_rows'])).toBeGreaterThan(0);
      expect(await tables()).toEqual([['auth.closed_tenant'], ['auth.closed_tenant'], ofOtherBefore]);
      expect(await shown(other)).toEqual(otherBefore);
    },
  );

  it('needs a fresh token of auth at customers', async () => {
    const { tenantId } = await platform.createTenant('Living');
    const sync = await ServiceCaller.of(platform, 'sync');
    const path = '/rapport.work.v1.WorkspaceService/RemoveClosedTenant';
    const principals = await PrincipalSigner.of(createPrivateKey(await readFile(platform.trust.signingKeyFile)));
    const closingToken = principals.sign({
      tenantId,
      principalId: `apiKey:${tenantId}`,
      permissions: ['workspace.close'],
    });

    expect(await sync.askByBothTransports(path, { closingToken }, undefined)).toMatchObject({
      status: 'PERMISSION_DENIED',
      reason: 'CLOSING_UNPROVEN',
    });
    expect(await sync.askByBothTransports(path, { closingToken: 'forged' }, undefined)).toMatchObject({
      status: 'UNAUTHENTICATED',
    });
    sync.close();
  });

  it('needs the id of the tenant, and the permission', async () => {
    const { tenantId, apiKey } = await platform.createTenant('Open');
    const api = await ApiClient.connect(platform.edgeUrl, apiKey);
    const { tenantId: otherId } = await platform.createTenant('Other');
    const callerWith = async (rights: object) => {
      const { body } = await api.send('POST', '/v1/apiKeys', { body: { displayName: 'narrow', ...rights } });
      return ApiClient.connect(platform.edgeUrl, (body as { key: string }).key);
    };
    const ask = (caller: ApiClient, id: unknown) =>
      caller.send('POST', '/v1/workspace:close', { body: { tenantId: id } });
    const [powerless, narrow] = [
      await callerWith({ permissions: ['workspace.export'] }),
      await callerWith({ permissions: ['workspace.close'], recordScope: 'OWN' }),
    ];

    expect(await ask(api, otherId)).toMatchObject({ status: 409, body: { code: 'TENANT_ID_DIFFERS' } });
    expect(await ask(api, 'mine')).toMatchObject({ status: 400 });
    expect(await ask(powerless, tenantId)).toMatchObject({ status: 403 });
    expect(await ask(narrow, tenantId)).toMatchObject({ status: 403, body: { code: 'RECORD_SCOPE_UNSUPPORTED' } });
    expect(await api.send('GET', '/v1/tenant')).toMatchObject({ status: 200 });
  });
});
