import { sharedPlatform } from '@rapport/testing';
import { expect, inject, test } from 'vitest';
import { WebhookTenant } from '../sync-platform.ts';

type Json = Record<string, unknown>;

test('the question of an approval is shown to the callers that can read the record of its run', async () => {
  const tenant = await WebhookTenant.create(await sharedPlatform(inject('platformUrl')));
  const [key] = await tenant.query<{ id: string }>(
    'select id from api_key where tenant_id = $1',
    [tenant.tenant.tenantId],
    'auth',
  );
  const { id: flowId } = await tenant.ok<{ id: string }>('POST', '/v1/flows', {
    ...{ key: 'discount', name: 'Discount' },
    definition: {
      trigger: { manual: { type: 'customer' } },
      steps: [
        {
          key: 'ask',
          approve: { question: "'Discount for ' + record.displayName + '?'", approverIds: [key?.id] },
        },
      ],
    },
  });
  await tenant.ok('POST', `/v1/flows/${flowId}:publish`);
  await tenant.ok('POST', `/v1/flows/${flowId}:run`, { recordId: await tenant.createCustomer('Ada') });
  const approvals = async (by: WebhookTenant) =>
    (await by.ok<{ approvals: Json[] }>('GET', '/v1/approvals')).approvals ?? [];
  await expect.poll(() => approvals(tenant), { timeout: 20_000 }).toMatchObject([{ question: 'Discount for Ada?' }]);
  const [{ id } = {}] = await approvals(tenant);

  const permissions = ['approvals.read', 'flows.read', 'customers.read'];
  const reader = await tenant.withKey({ permissions });
  const others = [
    await tenant.withKey({ permissions, recordScope: 'OWN' }),
    await tenant.withKey({ permissions: permissions.slice(0, 2) }),
  ];

  expect(await approvals(reader)).toMatchObject([{ question: 'Discount for Ada?', record: { type: 'customer' } }]);
  // Without access to personal data: a hidden value is not taken for an absent one.
  expect(await approvals(await tenant.withKey({ permissions, hidesPii: true }))).toMatchObject([{ question: '***' }]);
  for (const other of others) {
    const [hidden] = await approvals(other);
    expect(hidden).toMatchObject({ id, question: '' });
    expect(hidden).not.toHaveProperty('record');
    expect(await other.ok('GET', `/v1/approvals/${String(id)}`)).toEqual(hidden);
  }
});
