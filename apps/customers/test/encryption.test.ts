import { BatchMode, UpsertMatch } from '@rapport/contracts/rapport/customers/v1/customers_service';
import {
  Operation_Kind as Kind,
  Operation_State as State,
} from '@rapport/contracts/rapport/customers/v1/operations_service';
import { afterAll, beforeAll, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { downloadArchive, exportArchive, fillWorkspace, hashesIn, uploadArchive } from './archive-tenant.js';
import { changesOf } from './change-feeds.js';
import { EncryptedTenant, everythingIn, personalValues, someone, valuesIn } from './encrypted-tenant.js';
import { newKeys, type Keys } from './databases.js';
import { FilesTenant } from './files-tenant.js';
import { JsonReads } from './json-reads.js';
import { company, customerOf, person, RunningCustomers } from './running-customers.js';

let customers: RunningCustomers;
let keys: Keys;
let tenant: EncryptedTenant;

// A service of its own: it has keys, and the test reads the whole database.
beforeAll(async () => {
  keys = await newKeys();
  customers = await RunningCustomers.start({ keys, encryptionStalenessMs: 20 });
});
afterAll(() => customers.stop());
beforeEach(() => {
  tenant = new EncryptedTenant(customers);
});

const stored = () => everythingIn([customers.urls.ownerUrl, keys.databaseUrl]);

test('leaves no personal value in any table, written before or after encryption was enabled', async () => {
  const before = Array.from({ length: 60 }, (_, n) => someone(`wumbold${n}x`));
  const first = [];
  for (const [n, each] of before.entries()) first.push(await tenant.create(each, `before-${n}`));
  const [ada, eve, old] = first as [(typeof first)[0], (typeof first)[0], (typeof first)[0]];
  await tenant.consent(ada.id, 'wumbold said yes');
  await customers.call('mergeCustomers', { id: ada.id, merge: { mergedId: eve.id, preferMerged: [] } }, tenant.caller);
  await customers.update(tenant.caller, ada.id, { familyName: 'wumboldtmarried' });
  await customers.delete(tenant.caller, old.id);
  const values = [...before.flatMap(personalValues), 'wumbold'];
  expect(valuesIn(await stored(), values)).toHaveLength(values.length);

  const operation = await tenant.encrypt();

  expect(operation).toMatchObject({ state: State.SUCCEEDED, kind: Kind.ENCRYPTION, import: undefined });
  expect(operation.counts).toMatchObject({ rows: 60, updated: 60 });
  const after = Array.from({ length: 20 }, (_, n) => someone(`wumboldlate${n}x`));
  for (const [n, each] of after.entries()) await tenant.create(each, `after-${n}`);
  await tenant.consent(ada.id, 'wumbold said yes again');
  await customers.update(tenant.caller, ada.id, { givenName: 'wumboldrenamed' });
  await customers.call('listCustomerHistory', { id: ada.id }, tenant.caller);

  expect(valuesIn(await stored(), [...values, ...after.flatMap(personalValues)])).toEqual([]);
  expect(await customers.get(tenant.caller, first[5]!.id)).toEqual(first[5]);
  const { consents } = await customers.call('listConsents', { customerId: ada.id }, tenant.caller);
  expect(consents.map(({ evidence }) => evidence)).toEqual(['wumbold said yes again', 'wumbold said yes']);
  expect((await customers.call('verifyAuditEntries', {}, tenant.caller)).fault).toBeUndefined();
});

test('a record that was read as JSON before is read from what is encrypted', async () => {
  const json = new JsonReads(customers);
  await json.untilStreamed();
  const { caller } = tenant;
  const { id } = await tenant.create(someone('wumboldjson'));
  await json.expectSameRecord(caller, id);
  await json.expectSameLists(caller, {});

  await tenant.encrypt();

  await json.expectSameRecord(caller, id);
  await json.expectSameLists(caller, {});
  await tenant.erase(id);
  await expect(json.get(caller, id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(await json.list(caller, {})).not.toContain('wumboldjson');
});

describe('of an encrypted tenant', () => {
  beforeEach(async () => {
    await tenant.encrypt();
  });

  it('whole values find customers, in any case and spelling', async () => {
    const ada = await tenant.create({ ...someone('Ädà'), birthDate: '1815-12-10' });
    await tenant.create(someone('other'));
    const phone = ada.phones[0]!.number;
    for (const filter of [
      'emails = "Ädàmail@EXAMPLE.com"',
      `phones = "${phone}"`,
      'display_name = "adashown"',
      'given_name = "ADAGIVEN"',
      'family_name = "Ädàfamily" kind = PERSON',
      'birth_date = "1815-12-10"',
      'emails:* city = Berlin given_name != "othergiven"',
    ]) {
      expect(await tenant.find(filter), filter).toEqual([ada.id]);
    }
    expect(await tenant.find('emails = "nobody@example.com"')).toEqual([]);
  });

  it('queries that need plaintext are refused with the parameter and the reason', async () => {
    const list = (request: object) => customers.call('listCustomers', request, tenant.caller);
    for (const [request, field, reason] of [
      [{ q: 'ada' }, 'q', 'QUERY_ENCRYPTED'],
      [{ orderBy: 'display_name' }, 'orderBy', 'ORDER_ENCRYPTED'],
      [{ orderBy: 'familyName desc' }, 'orderBy', 'ORDER_ENCRYPTED'],
      [{ filter: 'display_name = "Ada*"' }, 'filter', 'FILTER_ENCRYPTED'],
      [{ filter: 'family_name > "B"' }, 'filter', 'FILTER_ENCRYPTED'],
      [{ filter: 'emails = "ada@*"' }, 'filter', 'FILTER_ENCRYPTED'],
      [{ filter: 'emails = "ada@example.com"', showDeleted: true }, 'filter', 'FILTER_ENCRYPTED'],
    ] as const) {
      await expect(list(request), JSON.stringify(request)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        violations: [{ field, reason }],
      });
    }
    await expect(customers.call('search', { q: 'ada' }, tenant.caller)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      violations: [{ field: 'q', reason: 'QUERY_ENCRYPTED' }],
    });
  });

  it('e-mail addresses stay unique, and an upsert finds their owner', async () => {
    const ada = await tenant.create(someone('ada'));
    const twin = { ...someone('twin'), emails: [{ address: 'ADAmail@example.com' }] };
    await expect(tenant.create(twin)).rejects.toMatchObject({
      reason: 'EMAIL_TAKEN',
      metadata: { customerId: ada.id },
    });
    const items = [{ customer: customerOf(twin) }];
    await expect(
      customers.call('batchCreateCustomers', { batch: { items, mode: BatchMode.ATOMIC } }, tenant.caller),
    ).rejects.toMatchObject({ reason: 'EMAIL_TAKEN' });
    const upserted = await customers.call(
      'upsertCustomer',
      { customer: customerOf(twin), match: UpsertMatch.EMAIL },
      tenant.caller,
    );
    expect(upserted).toMatchObject({ created: false, customer: { id: ada.id, displayName: 'twinshown' } });
    await customers.delete(tenant.caller, ada.id);
    expect((await tenant.create(twin)).emails).toEqual(twin.emails);
    const { results } = await customers.call(
      'batchCreateCustomers',
      { batch: { items: [{ customer: customerOf(someone('batched')) }], mode: BatchMode.ATOMIC } },
      tenant.caller,
    );
    expect(await customers.get(tenant.caller, results[0]!.customer!.id)).toEqual(results[0]!.customer);
  });

  it('a repeated call gets its first response, and another request with its key is refused', async () => {
    const ada = someone('ada');
    const created = await tenant.create(ada, 'key');
    expect(await tenant.create(ada, 'key')).toEqual(created);
    await expect(tenant.create(someone('eve'), 'key')).rejects.toMatchObject({ reason: 'IDEMPOTENCY_KEY_REUSED' });
  });

  it('history, the state at a time and the change feed contain the values, and only changed ones', async () => {
    const ada = await tenant.create(someone('ada'));
    const asOf = Date.now() + 1;
    await vi.waitUntil(() => Date.now() > asOf + 1);
    const changed = await customers.update(tenant.caller, ada.id, { familyName: 'Byron', displayName: 'Ada Byron' });
    const { changes } = await customers.call('listCustomerHistory', { id: ada.id }, tenant.caller);
    expect(changes.map(({ changedFields }) => changedFields)).toEqual([['displayName', 'familyName'], []]);
    expect(changes[0]).toMatchObject({ before: { familyName: 'adafamily' }, after: { familyName: 'Byron' } });
    expect(changes[1]?.after).toMatchObject({ givenName: 'adagiven', emails: [{ address: 'adamail@example.com' }] });
    const request = { id: ada.id, asOf: new Date(asOf).toISOString() };
    expect(await customers.call('getCustomer', request, tenant.caller)).toMatchObject({
      familyName: 'adafamily',
      emails: ada.emails,
    });
    expect(changed.familyName).toBe('Byron');
    const fed = await changesOf(customers, tenant.caller, 2);
    expect(fed.at(-1)).toMatchObject({ recordId: ada.id, after: { familyName: 'Byron' } });
  });

  it('duplicates are found, merged and unmerged', async () => {
    const ada = await tenant.create({ ...someone('ada'), birthDate: '1815-12-10' });
    const twin = await tenant.create({
      ...someone('ada'),
      emails: [{ address: 'twin@example.com' }],
      birthDate: '1815-12-10',
    });
    const { duplicates } = await customers.call('findDuplicates', { id: ada.id }, tenant.caller);
    expect(duplicates.map(({ customer }) => customer?.id)).toEqual([twin.id]);
    const merged = await customers.call(
      'mergeCustomers',
      { id: ada.id, merge: { mergedId: twin.id, preferMerged: [] } },
      tenant.caller,
    );
    expect(merged.customer?.emails.map(({ address }) => address)).toEqual(['adamail@example.com', 'twin@example.com']);
    expect(await tenant.find('emails = "twin@example.com"')).toEqual([ada.id]);
    expect(valuesIn(await stored(), ['adamail', 'twin@example', 'adagiven'])).toEqual([]);
    const { customer, restored } = await customers.call('unmergeCustomers', { id: merged.merge!.id }, tenant.caller);
    expect([customer?.emails, restored?.emails]).toEqual([ada.emails, twin.emails]);
    expect(await customers.get(tenant.caller, twin.id)).toEqual(restored);
  });

  it('enabling encryption again returns the same operation', async () => {
    const [one, other] = [await tenant.encrypt(), await tenant.encrypt()];
    expect(other).toEqual(one);
  });
});

it('encryption of one tenant does not restrict another', async () => {
  await tenant.encrypt();
  const plain = new EncryptedTenant(customers);
  const ada = await plain.create(person());
  await plain.create(company());
  expect(await plain.find('display_name = "Ada*"')).toEqual([ada.id]);
  expect(await customers.names(plain.caller, { q: 'lovelace', orderBy: 'display_name' })).toEqual(['Ada Lovelace']);
});

it('the archive of an encrypted workspace is stored nowhere in plaintext, and makes an equal workspace', async () => {
  await tenant.encrypt();
  const mark = 'blorptide';
  const { ada, file } = await fillWorkspace(tenant, mark);
  const archive = await downloadArchive(tenant, await exportArchive(tenant));
  expect(valuesIn(archive.toString('latin1'), [`${mark}adashown`, `${mark} said yes`, `${mark}one.txt`])).toHaveLength(
    3,
  );
  const copy = new EncryptedTenant(customers);
  await copy.encrypt();
  const { id } = await customers.call('importWorkspace', {}, copy.caller);
  await uploadArchive(copy, id, archive.subarray(0, 400_000), { complete: false });
  expect(valuesIn(await stored(), [mark])).toEqual([]);
  await uploadArchive(copy, id, archive.subarray(399_000), { offset: 399_000 });
  expect(await copy.untilEnded(id)).toMatchObject({ state: State.SUCCEEDED, error: undefined });

  const again = await downloadArchive(copy, await exportArchive(copy));

  expect(hashesIn(again)).toEqual(hashesIn(archive));
  expect(valuesIn(await stored(), [mark])).toEqual([]);
  expect(await copy.find(`emails = "${mark}adamail@example.com"`)).toEqual([ada]);
  expect(await copy.find(`family_name = "${mark}adafamily"`)).toEqual([ada]);
  await expect(copy.create(someone(`${mark}twin`))).rejects.toMatchObject({ reason: 'EMAIL_TAKEN' });
  const store = await FilesTenant.create(customers, copy.caller);
  expect((await store.download(file)).equals(Buffer.alloc(300_000, mark))).toBe(true);
  expect(await store.storedBytes()).toMatchObject({ stored: 600_112, counted: 600_112 });
  await store.close();
  const { merges } = await customers.call('listMerges', {}, copy.caller);
  const { restored } = await customers.call('unmergeCustomers', { id: merges[0]!.id }, copy.caller);
  expect(restored).toMatchObject({ displayName: `${mark}twinshown` });
});
