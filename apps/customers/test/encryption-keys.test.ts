import { randomBytes } from 'node:crypto';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { BatchMode, UpsertMatch } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { Operation_State as State } from '@rapport/contracts/rapport/customers/v1/operations_service';
import { AuditKeys } from '@rapport/persistence';
import { keysInUse } from '@rapport/testing';
import { afterEach, expect, test } from 'vitest';
import {
  EncryptedTenant,
  everythingIn,
  personalValues,
  rowCounts,
  someone,
  unreachable,
  valuesIn,
} from './encrypted-tenant.js';
import { newKeys, restoreBackup, type Keys } from './databases.js';
import { OperationTenant } from './operation-tenant.js';
import { OtherWrite } from './other-write.js';
import { customerOf, newCaller, RunningCustomers } from './running-customers.js';
import { superuserOf } from './superuser.js';

const running = new Set<RunningCustomers>();

afterEach(() => Promise.all([...running].map((each) => stop(each))));

async function start(options: Parameters<typeof RunningCustomers.start>[0]): Promise<RunningCustomers> {
  const customers = await RunningCustomers.start({ ...options, encryptionStalenessMs: 20 });
  running.add(customers);
  return customers;
}

async function stop(customers: RunningCustomers): Promise<void> {
  running.delete(customers);
  await customers.stop();
}

/** The same service, with other keys or another database. */
async function restart(
  customers: RunningCustomers,
  caller: EncryptedTenant['caller'],
  options: Parameters<typeof RunningCustomers.start>[0],
): Promise<EncryptedTenant> {
  if (running.has(customers)) await stop(customers);
  return new EncryptedTenant(await start({ databases: customers.urls, ...options }), caller);
}

test('an erased person is unreadable in an older copy of the database, also where merged, and the audit of both verifies', async () => {
  const keys = await newKeys();
  const tenant = new EncryptedTenant(await start({ keys }));
  const [early, eve] = [await tenant.create(someone('early')), await tenant.create(someone('eve'))];
  await tenant.encrypt();
  const ada = await tenant.create(someone('ada'));
  await tenant.customers.update(tenant.caller, ada.id, { familyName: 'adamarried' });
  await tenant.consent(ada.id, 'ada said yes');
  const { kept, merged } = await mergedForAWhile(tenant);
  await stop(tenant.customers);
  const backup = await restoreBackup(tenant.customers.urls);

  const now = await restart(tenant.customers, tenant.caller, { keys });
  await now.erase(ada.id);
  await now.erase(early.id);
  await now.erase(merged.id);
  expect((await now.customers.call('verifyAuditEntries', {}, now.caller)).fault).toBeUndefined();
  expect(await now.customers.get(tenant.caller, kept.id)).toEqual(kept);
  expect(await evidenceOf(now, kept.id)).toEqual(['max said yes']);
  const renamed = await now.customers.update(tenant.caller, kept.id, { familyName: 'Byron' });
  expect(await now.customers.get(tenant.caller, kept.id)).toEqual(renamed);

  const restored = await restart(now.customers, tenant.caller, { keys, databases: backup });
  const { customers } = await restored.customers.call('listCustomers', {}, tenant.caller);
  // The key of the kept person was replaced: its former one also encrypted values of the merged person.
  expect(customers.map(({ displayName }) => displayName)).toEqual(['***', '***', '***', 'eveshown', '***']);
  expect(await restored.customers.get(tenant.caller, ada.id)).toMatchObject({
    ...{ givenName: '***', familyName: '***', emails: [{ address: '***' }], phones: [{ number: '***' }] },
  });
  expect(JSON.stringify(await changesOf(restored, ada.id))).not.toMatch(/ada(given|married|mail)/);
  const changes = await changesOf(restored, kept.id);
  expect(changes.length).toBeGreaterThan(2);
  expect(JSON.stringify(changes)).not.toContain('linmail');
  expect(await evidenceOf(restored, ada.id)).toEqual(['***']);
  await expect(restored.customers.update(tenant.caller, ada.id, { jobTitle: 'Countess' })).rejects.toMatchObject({
    code: 'NOT_FOUND',
    reason: 'CUSTOMER_ERASED',
  });
  expect(await restored.customers.get(tenant.caller, eve.id)).toEqual(eve);
  expect((await restored.customers.call('verifyAuditEntries', {}, tenant.caller)).fault).toBeUndefined();
  expect(valuesIn(await everythingIn([backup.ownerUrl]), ['adagiven', 'adamarried', 'adamail', 'earlymail'])).toEqual(
    [],
  );
});

/** Two people, of whom one was merged into the other until the merge was undone. */
async function mergedForAWhile(tenant: EncryptedTenant): Promise<{ kept: Customer; merged: Customer }> {
  const [max, lin] = [await tenant.create(someone('max')), await tenant.create(someone('lin'))];
  await tenant.consent(max.id, 'max said yes');
  const merging = { mergedId: lin.id, preferMerged: [] };
  const { merge } = await tenant.customers.call('mergeCustomers', { id: max.id, merge: merging }, tenant.caller);
  const { customer } = await tenant.customers.call('unmergeCustomers', { id: merge!.id }, tenant.caller);
  return { kept: customer!, merged: lin };
}

async function evidenceOf({ customers, caller }: EncryptedTenant, customerId: string): Promise<unknown[]> {
  const { consents } = await customers.call('listConsents', { customerId }, caller);
  return consents.map(({ evidence }) => evidence);
}

async function changesOf({ customers, caller }: EncryptedTenant, id: string): Promise<unknown[]> {
  const { changes } = await customers.call('listCustomerHistory', { id }, caller);
  return changes;
}

test('a key that a crashed process was about to destroy is destroyed by the next', async () => {
  const keys = await newKeys();
  const tenant = new EncryptedTenant(await start({ keys }));
  await tenant.encrypt();
  const ada = await tenant.create(someone('ada'));
  await stop(tenant.customers);
  const superuser = await superuserOf(tenant.customers.urls.ownerUrl);
  await superuser.query('insert into key_destruction values ($1, $2, 1)', [tenant.caller.tenantId, ada.id]);

  const next = await restart(tenant.customers, tenant.caller, { keys });

  const shown = async () => (await next.customers.get(tenant.caller, ada.id)).displayName;
  await expect.poll(shown, { timeout: 30_000 }).toBe('***');
  const left = async () => (await superuser.query('select from key_destruction')).rowCount;
  await expect.poll(left, { timeout: 30_000 }).toBe(0);
  await superuser.end();
});

test('without the database of keys, calls that need them fail with 503, and others succeed', async () => {
  const keys = await newKeys();
  const tenant = new EncryptedTenant(await start({ keys }));
  await tenant.encrypt();
  const ada = await tenant.create(someone('ada'));
  const plain = newCaller();

  const away = await restart(tenant.customers, tenant.caller, { keys: unreachable(keys) });

  const unavailable = { code: 'UNAVAILABLE', reason: 'KEYS_UNAVAILABLE' };
  const { customers } = away;
  await expect(customers.get(tenant.caller, ada.id)).rejects.toMatchObject(unavailable);
  await expect(customers.call('listCustomers', {}, tenant.caller)).rejects.toMatchObject(unavailable);
  await expect(away.find('emails = "adamail@example.com"')).rejects.toMatchObject(unavailable);
  await expect(away.create(someone('eve'))).rejects.toMatchObject(unavailable);
  await expect(away.erase(ada.id)).rejects.toMatchObject(unavailable);
  await expect(new EncryptedTenant(customers).encrypt()).rejects.toMatchObject(unavailable);
  expect((await customers.create(plain, someone('max'))).displayName).toBe('maxshown');

  const unconfigured = await restart(customers, tenant.caller, {});
  await expect(unconfigured.customers.get(tenant.caller, ada.id)).rejects.toMatchObject({
    ...{ code: 'UNAVAILABLE', reason: 'KEYS_NOT_CONFIGURED' },
  });
});

test('a new master key rewraps existing keys, which the command of the operator shows, and a wrong one unwraps none', async () => {
  const keys = await newKeys();
  const tenant = new EncryptedTenant(await start({ keys }));
  await tenant.encrypt();
  const ada = await tenant.create(someone('ada'));
  const next = { ...keys, masterKey: randomBytes(32) };

  const both = { ...next, retired: [keys.masterKey] };
  expect(await tenantsByKey(tenant.customers, both)).toEqual({ exitCode: 1, tenants: { CURRENT: 0, RETIRED: 1 } });
  const rotating = await restart(tenant.customers, tenant.caller, { keys: both });
  expect(await rotating.customers.get(tenant.caller, ada.id)).toEqual(ada);
  expect(await tenantsByKey(rotating.customers, both)).toEqual({ exitCode: 0, tenants: { CURRENT: 1, RETIRED: 0 } });
  expect(await tenantsByKey(tenant.customers, keys)).toEqual({ exitCode: 1, tenants: { CURRENT: 0, UNKNOWN: 1 } });
  const rotated = await restart(rotating.customers, tenant.caller, { keys: next });
  expect(await rotated.customers.get(tenant.caller, ada.id)).toEqual(ada);
  const wrong = await restart(rotated.customers, tenant.caller, { keys });
  await expect(wrong.customers.get(tenant.caller, ada.id)).rejects.toMatchObject({ reason: 'KEYS_UNAVAILABLE' });
});

/** Public keys of the audits of the services, each of which signs with its own. */
const auditKeys = new Set<string>();

/** What the operator's command prints: the tenants by the state of the master key. */
async function tenantsByKey(
  { urls, auditSigningKey }: RunningCustomers,
  { databaseUrl, masterKey, retired = [] }: Keys,
): Promise<{ exitCode: number | null; tenants: Record<string, number> }> {
  auditKeys.add(new AuditKeys('customers', auditSigningKey).publicKeys[0]?.x ?? '');
  const { exitCode, uses } = await keysInUse('customers', {
    ...{ DATABASE_URL: urls.appUrl, KEYS_DATABASE_URL: databaseUrl },
    ...{ AUDIT_SIGNING_KEY: auditSigningKey.toString('base64'), AUDIT_RETIRED_KEYS: [...auditKeys].join() },
    MASTER_KEY: masterKey.toString('base64'),
    RETIRED_MASTER_KEYS: retired.map((key) => key.toString('base64')).join(),
  });
  const states = Object.entries(uses['MASTER_KEY'] ?? {});
  return { exitCode, tenants: Object.fromEntries(states.map(([state, { tenant = 0 }]) => [state, tenant])) };
}

test('a write that is only validated leaves no row in any table, nor a key', async () => {
  const keys = await newKeys();
  const tenant = new EncryptedTenant(await start({ keys }));
  const { customers, caller } = tenant;
  await tenant.encrypt();
  const { merged } = await mergedForAWhile(tenant);
  const counted = () => rowCounts([customers.urls.ownerUrl, keys.databaseUrl]);
  const before = await counted();
  const customer = customerOf(someone('new'));
  const items = [{ customer: customerOf(someone('one')) }, { customer: customerOf(someone('two')) }];
  const batch = { items, mode: BatchMode.ATOMIC };

  await customers.call('createCustomer', { customer, validateOnly: true }, caller);
  await customers.call('upsertCustomer', { customer, match: UpsertMatch.EMAIL, validateOnly: true }, caller);
  const { results } = await customers.call('batchCreateCustomers', { batch, validateOnly: true }, caller);
  // The customer that it was once merged into would get a new key.
  const erasure = { reason: 'case 4711' };
  await customers.call('eraseCustomer', { id: merged.id, erasure, validateOnly: true }, caller);

  expect(results.map((result) => result.customer?.displayName)).toEqual(['oneshown', 'twoshown']);
  expect(await counted()).toEqual(before);
});

test('an import that a crash interrupts continues in another process, with a new master key', async () => {
  const [keys, mark] = [await newKeys(), 'brackleford'];
  const limits = { bulkLimits: { importChunkRows: 20 }, jobLookMs: 50 };
  const first = new EncryptedTenant(await start({ keys, ...limits }));
  const { caller } = first;
  const mine = await OperationTenant.create(first.customers, caller);
  await first.encrypt();
  const known = await first.create(someone(`${mark}known`));
  const rows = Array.from({ length: 70 }, (_, index) => someone(`${mark}${index}x`));
  rows[50] = { ...rows[50], emails: known.emails };
  const lines = rows.map((row) => `${row.givenName},${row.familyName},${row.emails![0]!.address},${mark}phone\n`);
  const values = async () =>
    valuesIn(await everythingIn([mine.customers.urls.ownerUrl, keys.databaseUrl]), [
      mark,
      ...rows.flatMap(personalValues),
    ]);
  await mine.database.query('begin');
  await mine.database.query('select from customer where id = $1 for update', [known.id]);
  const { id } = await mine.start(`given name,family name,email,phone\n${lines.join('')}`);
  await new OtherWrite(mine.database).untilWaiting(1);
  expect(await values()).toEqual([]);

  // As after a crash: the step is lost, and the lease stays until it expires.
  const superuser = await superuserOf(mine.customers.urls.ownerUrl);
  await superuser.query(
    `update operation_job set claim_id = gen_random_uuid(), lease_time = now() + interval '1 hour'`,
  );
  const { rows: holders } = await mine.database.query<{ pid: number }>('select pg_backend_pid() as pid');
  const waiting = 'select pg_terminate_backend(pid) from pg_stat_activity where $1 = any (pg_blocking_pids(pid))';
  await superuser.query(waiting, [holders[0]!.pid]);
  await stop(first.customers);
  await mine.database.query('rollback');
  expect(await values()).toEqual([]);
  const rotated = { ...keys, masterKey: randomBytes(32), retired: [keys.masterKey] };
  const second = await restart(first.customers, caller, { keys: rotated, ...limits });
  await superuser.query('update operation_job set lease_time = now()');
  const theirs = await OperationTenant.create(second.customers, caller);

  const { state, counts } = await theirs.untilEnded(id);

  expect({ state, counts }).toMatchObject({ state: State.SUCCEEDED, counts: { rows: 70, created: 69, updated: 1 } });
  expect(await theirs.undo(id)).toMatchObject({ state: State.UNDONE, counts: { undone: 70 } });
  expect(await values()).toEqual([]);
  await Promise.all([superuser.end(), mine.close(), theirs.close()]);
});
