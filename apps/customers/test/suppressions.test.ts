import { ContactChannel } from '@rapport/contracts/rapport/customers/v1/consents_service';
import { Suppression, SuppressionReason } from '@rapport/contracts/rapport/customers/v1/suppressions_service';
import type { Caller } from '@rapport/platform';
import pg from 'pg';
import { v7 } from 'uuid';
import { beforeEach, expect, test } from 'vitest';
import { newCaller, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

let caller: Caller;

const { EMAIL, PHONE, POST } = ContactChannel;
const { BOUNCE, COMPLAINT, ERASURE } = SuppressionReason;
const address = 'ada@example.com';

beforeEach(() => {
  caller = newCaller();
});

function suppress(changes: Partial<Suppression> = {}): Promise<Suppression> {
  const suppression = { ...Suppression.decode(new Uint8Array()), channel: EMAIL, address, reason: BOUNCE, ...changes };
  return customers.call('createSuppression', { suppression }, caller);
}

async function check(addresses: string[], purpose?: string, channel = EMAIL) {
  const { verdicts } = await customers.call('checkSuppressions', { check: { channel, addresses, purpose } }, caller);
  return verdicts;
}

test('suppresses an address once for each reason and purpose, and never returns it', async () => {
  const made = await suppress();

  expect(made).toEqual({
    ...{ id: made.id, channel: EMAIL, address: undefined, purpose: undefined, reason: BOUNCE, customerId: undefined },
    ...{ createTime: made.createTime, createdBy: caller.principalId },
  });
  expect(await suppress({ address: ' ADA@example.com ' })).toEqual(made);
  expect((await suppress({ reason: COMPLAINT })).id).not.toBe(made.id);
  expect((await suppress({ purpose: 'newsletter' })).id).not.toBe(made.id);
  expect(await customers.call('getSuppression', { id: made.id }, caller)).toEqual(made);
  const [verdict] = await check([address]);
  expect(verdict).toEqual({ suppressed: true, reasons: [BOUNCE, COMPLAINT] });
});

test.each([
  ['ada@bücher.example', 'ada@xn--bcher-kva.example'],
  ['ada@XN--MNCHEN-3YA.example', 'ada@MÜNCHEN.example'],
])('%s and %s are one address', async (one, other) => {
  const made = await suppress({ address: one });
  expect(await suppress({ address: other })).toEqual(made);
  expect((await check([other, one, 'ada@example.com'])).map(({ suppressed }) => suppressed)).toEqual([
    true,
    true,
    false,
  ]);
});

test('reports for each of many addresses whether it is suppressed for a purpose', async () => {
  await suppress({ purpose: 'newsletter' });
  await suppress({ address: 'bob@example.com', reason: COMPLAINT });

  const addresses = ['eve@example.com', address, 'bob@example.com', address];
  const flags = async (purpose?: string) => (await check(addresses, purpose)).map(({ suppressed }) => suppressed);
  expect(await flags('newsletter')).toEqual([false, true, true, true]);
  expect(await flags('surveys')).toEqual([false, false, true, false]);
  expect(await flags()).toEqual([false, true, true, true]);
});

test('compares phone numbers in one form', async () => {
  await suppress({ channel: PHONE, address: '+49 (30) 12345678' });

  expect(await check(['+493012345678', '030 12345678'], undefined, PHONE)).toMatchObject([
    { suppressed: true },
    { suppressed: false },
  ]);
});

test('lists the newest first, by channel and reason, and can be deleted', async () => {
  const bounce = await suppress();
  const complaint = await suppress({ reason: COMPLAINT });
  const phone = await suppress({ channel: PHONE, address: '+493012345678' });
  const ids = async (request: object = {}) => {
    const { suppressions } = await customers.call('listSuppressions', request, caller);
    return suppressions.map(({ id }) => id);
  };

  expect(await ids()).toEqual([phone.id, complaint.id, bounce.id]);
  expect(await ids({ channel: EMAIL, reason: COMPLAINT })).toEqual([complaint.id]);
  const { nextPageToken } = await customers.call('listSuppressions', { pageSize: 2 }, caller);
  expect(await ids({ pageToken: nextPageToken })).toEqual([bounce.id]);

  expect(await customers.call('deleteSuppression', { id: bounce.id }, caller)).toEqual(bounce);
  expect(await check([address])).toEqual([{ suppressed: true, reasons: [COMPLAINT] }]);
  await expect(customers.call('deleteSuppression', { id: bounce.id }, caller)).rejects.toMatchObject({
    code: 'NOT_FOUND',
    reason: 'SUPPRESSION_NOT_FOUND',
  });
});

test('isolates tenants, also by their hashes', async () => {
  const { id } = await suppress();
  const first = caller;
  caller = newCaller();
  await suppress();

  expect(await customers.call('listSuppressions', {}, caller)).toMatchObject({ suppressions: [{ channel: EMAIL }] });
  for (const unknown of [id, v7()]) {
    await expect(customers.call('getSuppression', { id: unknown }, caller)).rejects.toMatchObject({
      reason: 'SUPPRESSION_NOT_FOUND',
    });
  }
  const app = new pg.Client(customers.urls.appUrl);
  await app.connect();
  const hashes = [];
  for (const { tenantId } of [first, caller]) {
    await app.query(`select set_config('app.tenant_id', $1, false)`, [tenantId]);
    const { rows } = await app.query<{ hash: string }>(`select encode(address_hash, 'hex') as hash from suppression`);
    hashes.push(...rows.map(({ hash }) => hash));
  }
  await app.end();
  expect(new Set(hashes).size).toBe(2);
});

test('refuses unsupported channels and reasons, and invalid addresses', async () => {
  for (const [changes, field] of [
    [{ channel: POST }, 'suppression.channel'],
    [{ channel: 0 }, 'suppression.channel'],
    [{ reason: ERASURE }, 'suppression.reason'],
    [{ address: 'Ada <ada@example.com>' }, 'suppression.address'],
    [{ address: undefined }, 'suppression.address'],
  ] as const) {
    await expect(suppress(changes)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', violations: [{ field }] });
  }
  await expect(check([address, 'nobody'])).rejects.toMatchObject({ violations: [{ field: 'check.addresses[1]' }] });
  await expect(check([])).rejects.toMatchObject({ violations: [{ field: 'check.addresses' }] });
});

test('requires a separate permission to delete a suppression', async () => {
  const { id } = await suppress();

  const writer = { ...caller, permissions: ['customers.read', 'customers.write'] };
  await expect(customers.call('deleteSuppression', { id }, writer)).rejects.toMatchObject({
    code: 'PERMISSION_DENIED',
    metadata: { permission: 'privacy.manage' },
  });
});
