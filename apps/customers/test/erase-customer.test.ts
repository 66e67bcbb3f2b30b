import { createHash } from 'node:crypto';
import { ChangeOperation } from '@rapport/contracts/rapport/api/v1/change_feed';
import { Consent, ConsentState, ContactChannel } from '@rapport/contracts/rapport/customers/v1/consents_service';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { SuppressionReason } from '@rapport/contracts/rapport/customers/v1/suppressions_service';
import type { Caller } from '@rapport/platform';
import type pg from 'pg';
import { v7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { downloadArchive, exportArchive } from './archive-tenant.js';
import { changesOf, watch } from './change-feeds.js';
import { EncryptedTenant } from './encrypted-tenant.js';
import { csv, ImportTenant } from './import-tenant.js';
import { MergingTenant } from './merging-tenant.js';
import { company, person, RunningCustomers } from './running-customers.js';
import { tablesWith } from './tables-with.js';

let customers: RunningCustomers;
let tenant: MergingTenant;
let caller: Caller;
/** Sees the rows of all tables. */
let superuser: pg.Client;

// A service of its own: every row of every table is searched.
beforeAll(async () => {
  customers = await RunningCustomers.start();
  superuser = await customers.connectAsSuperuser();
});
afterAll(async () => {
  await superuser.end();
  await customers.stop();
});
beforeEach(() => {
  tenant = new MergingTenant(customers);
  ({ caller } = tenant);
});

/** Each personal value contains a unique word. */
function someone(mark: string): Partial<Customer> {
  return person({
    displayName: `${mark}name ${mark}family`,
    givenName: `${mark}name`,
    familyName: `${mark}family`,
    birthDate: '1815-12-10',
    jobTitle: `${mark}job`,
    companyName: `${mark}firm`,
    emails: [{ address: `${mark}mail@example.com` }],
    phones: [{ number: `+4930${createHash('sha256').update(mark).digest().readUInt32BE(0)}`.slice(0, 12) }],
    addresses: [{ street: `${mark}street 1`, city: `${mark}city` }],
    tags: [`${mark}tag`],
    externalIds: [{ system: 'erp', value: `${mark}erp` }],
    source: `${mark}source`,
  });
}

async function erase(id: string, more: { etag?: string; requestId?: string; validateOnly?: boolean } = {}) {
  const erasure = { reason: 'case 4711' };
  return customers.call('eraseCustomer', { id, erasure, ...more }, caller);
}

test('leaves nothing of a person in any table except the receipt and their suppressions', async () => {
  const mark = 'zebedee';
  const ada = await customers.create(caller, someone(mark), 'key-1');
  const firm = await customers.create(caller, company());
  await tenant.associate(ada.id, firm.id);
  const twin = await customers.create(caller, { ...someone(`${mark}twin`), phones: [] });
  await tenant.merge(ada.id, twin.id);
  const consent = {
    ...Consent.decode(new Uint8Array()),
    ...{ purpose: 'newsletter', channel: ContactChannel.EMAIL, state: ConsentState.WITHDRAWN, legalBasis: 1 },
    ...{ source: `${mark} form`, evidence: `I am ${mark}.` },
  };
  await customers.call('createConsent', { customerId: ada.id, consent }, caller);
  await customers.update(caller, ada.id, { jobTitle: `${mark}boss` });
  const other = await customers.create(caller, company({ displayName: 'Engines' }));
  const archive = await exportArchive(new EncryptedTenant(customers, caller));
  const tables = await tablesWith(superuser, mark);
  expect(tables.length).toBeGreaterThanOrEqual(7);
  expect(tables).toContain('workspace_piece');

  const receipt = await erase(ada.id);

  expect((await tablesWith(superuser, mark)).filter((name) => name !== 'workspace_piece')).toEqual([]);
  const download = downloadArchive(new EncryptedTenant(customers, caller), archive);
  await expect(download).rejects.toMatchObject({ reason: 'ARCHIVE_MISSING' });
  // A worker removes the archive.
  await expect.poll(() => tablesWith(superuser, mark)).toEqual([]);
  expect(receipt).toMatchObject({ customerIds: [ada.id, twin.id], reason: 'case 4711', createdBy: caller.principalId });
  const counts = Object.fromEntries(receipt.erased.map(({ dataClass, count }) => [dataClass, count]));
  expect(counts).toMatchObject({ customers: 2, associations: 1, consents: 1, merges: 1 });
  expect(counts['changes']).toBeGreaterThanOrEqual(8);
  expect(counts['idempotencyAnswers']).toBe(1);
  expect(await customers.get(caller, other.id)).toEqual(other);
  const check = { channel: ContactChannel.EMAIL, addresses: [`${mark}mail@example.com`], purpose: 'anything' };
  const { verdicts } = await customers.call('checkSuppressions', { check }, caller);
  expect(verdicts).toEqual([{ suppressed: true, reasons: [SuppressionReason.ERASURE] }]);
  const { suppressions } = await customers.call('listSuppressions', { pageSize: 200 }, caller);
  expect(suppressions.map(({ reason }) => SuppressionReason[reason]).toSorted()).toEqual([
    ...['CONSENT_WITHDRAWN', 'CONSENT_WITHDRAWN', 'ERASURE', 'ERASURE', 'ERASURE', 'ERASURE'],
  ]);
  expect(suppressions.filter(({ customerId }) => customerId !== undefined)).toEqual([]);
});

test('removes undo data and row issues of imports', async () => {
  const mark = 'quillfeather';
  const importing = await ImportTenant.create(customers);
  ({ caller } = importing);
  await importing.importFile(csv(`email,phone\n${mark}@example.com,12\n`));
  const [ada] = (await customers.call('listCustomers', {}, caller)).customers;
  const operationId = v7();
  await importing.database.query(
    `insert into operation (tenant_id, id, state, input, rules, received_bytes, processed_bytes, counts, columns,
       create_time, created_by)
     values ($1, $2, 'SUCCEEDED', '{}', '{}', 0, 0, '{}', '[]', now(), 'test')`,
    [caller.tenantId, operationId],
  );
  await importing.database.query(`insert into import_change values ($1, $2, $3, $4, 1)`, [
    caller.tenantId,
    operationId,
    ada?.id,
    JSON.stringify({ displayName: mark }),
  ]);
  const draftId = v7();
  await importing.database.query(`insert into import_draft values ($1, $2, $3, $4)`, [
    ...[caller.tenantId, operationId, draftId, JSON.stringify({ displayName: mark })],
  ]);
  await importing.database.query(`insert into import_draft_key values ($1, $2, 'EMAIL', $3, $4)`, [
    ...[caller.tenantId, operationId, `${mark}@example.com`, draftId],
  ]);
  for (const [number, customerId] of [
    [0, ada?.id],
    [1, null],
  ]) {
    await importing.database.query(`insert into operation_issue values ($1, $2, $3, 'WARNING', 1, 'X', null, $4, $5)`, [
      caller.tenantId,
      operationId,
      number,
      `"${mark}@example.com" was left out.`,
      customerId,
    ]);
  }
  expect(await tablesWith(superuser, mark)).toContain('operation_issue');

  const { erased } = await erase(ada?.id ?? '');
  await importing.close();

  expect(await tablesWith(superuser, mark)).toEqual([]);
  expect(erased).toContainEqual({ dataClass: 'importLeftovers', count: 2 });
  expect(erased).toContainEqual({ dataClass: 'importIssues', count: 2 });
});

test('of a person who was merged and unmerged also clears the other’s history', async () => {
  const mark = 'wintermute';
  const kept = await customers.create(caller, person({ displayName: 'Kept' }));
  const ada = await customers.create(caller, someone(mark));
  const { record } = await tenant.merge(kept.id, ada.id);
  await customers.update(caller, kept.id, { jobTitle: 'changed meanwhile' });
  const meanwhile = new Date().toISOString();
  await tenant.unmerge(record.id);

  await erase(ada.id);

  expect(await tablesWith(superuser, mark)).toEqual([]);
  expect(await customers.get(caller, kept.id)).toMatchObject({ displayName: 'Kept', emails: [] });
  await expect(customers.call('getCustomer', { id: kept.id, asOf: meanwhile }, caller)).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    reason: 'HISTORY_ERASED',
  });
});

test('makes reads of the id return the erasure, and retains the receipt', async () => {
  const { id, createTime } = await customers.create(caller, someone('ada'));
  const receipt = await erase(id);

  const reads = [
    () => customers.get(caller, id),
    () => customers.call('getCustomer', { id, asOf: createTime }, caller),
    () => customers.call('listConsents', { customerId: id }, caller),
    () => customers.update(caller, id, { tags: [] }),
    () => erase(id),
  ];
  for (const read of reads) {
    await expect(read()).rejects.toMatchObject({
      code: 'NOT_FOUND',
      reason: 'CUSTOMER_ERASED',
      metadata: { erasureId: receipt.id },
    });
  }
  await expect(customers.call('undeleteCustomer', { id }, caller)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(await customers.names(caller, { showDeleted: true })).toEqual([]);
  expect(await customers.call('getErasure', { id: receipt.id }, caller)).toEqual(receipt);
  expect((await customers.call('listErasures', {}, caller)).erasures).toEqual([receipt]);
  const counts = receipt.erased.map(({ dataClass, count }) => [dataClass, count]);
  const text = JSON.stringify([receipt.id, [id], 'case 4711', counts, receipt.createTime, caller.principalId]);
  expect(receipt.digest).toBe(createHash('sha256').update(text).digest('hex'));
});

test('sends readers of the log a removal, and no longer returns the values, not even from memory', async () => {
  const mark = 'marvin';
  const end = new AbortController();
  const events = watch(customers, caller, {}, end.signal);
  await events.next();
  const { id } = await customers.create(caller, someone(mark));
  const created = await events.next();
  expect(JSON.stringify(created.value)).toContain(mark);

  const { id: erasureId } = await erase(id);
  const received = [];
  do received.push((await events.next()).value?.change);
  while (received.at(-1)?.type !== 'customer');
  expect(received.at(-1)).toMatchObject({
    ...{ recordId: id, operation: ChangeOperation.DELETE, origin: 'erasure', causationId: erasureId },
  });
  const [first] = await changesOf(customers, caller, 2);
  end.abort();

  expect(first).toMatchObject({ recordId: id, operation: ChangeOperation.CREATE, after: { kind: 'PERSON' } });
  const listed = await customers.call('listChanges', { waitSeconds: 1, pageSize: 100 }, caller);
  expect(JSON.stringify([received, listed])).not.toContain(mark);
  const { changes } = await customers.call('listCustomerHistory', { id }, caller);
  expect(JSON.stringify(changes)).not.toContain(mark);
});

test('leaves nothing under concurrent writes', async () => {
  for (let round = 0; round < 10; round += 1) {
    const mark = `racer${round}x`;
    const { id } = await customers.create(caller, someone(mark));
    const writes = Array.from({ length: 6 }, (_, n) => customers.update(caller, id, { jobTitle: `${mark}${n}` }));
    const [erasure] = await Promise.allSettled([erase(id), ...writes, customers.delete(caller, id)]);

    expect(erasure).toMatchObject({ status: 'fulfilled' });
  }
  await expect.poll(async () => (await superuser.query('select from outbox')).rowCount).toBe(0);
  expect(await tablesWith(superuser, 'racer')).toEqual([]);
}, 60_000);

test('returns the same receipt to a repeated call, and removes stored responses with the person', async () => {
  const mark = 'ford';
  const { id } = await customers.create(caller, someone(mark), 'create');
  const receipt = await erase(id, { requestId: 'erase' });

  expect(await erase(id, { requestId: 'erase' })).toEqual(receipt);
  await expect(customers.create(caller, someone(mark), 'create')).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    reason: 'IDEMPOTENCY_ANSWER_ERASED',
  });
  expect(await customers.names(caller, {})).toEqual([]);
});

test('erases a deleted person, and supports validateOnly', async () => {
  const ada = await customers.create(caller, someone('trillian'));
  await customers.delete(caller, ada.id);

  const tried = await erase(ada.id, { validateOnly: true });
  expect(tried.customerIds).toEqual([ada.id]);
  expect(await customers.names(caller, { showDeleted: true })).toEqual([ada.displayName]);
  expect(await tablesWith(superuser, 'trillian')).not.toEqual([]);
  expect((await customers.call('listErasures', {}, caller)).erasures).toEqual([]);

  await erase(ada.id);
  expect(await tablesWith(superuser, 'trillian')).toEqual([]);
});

test('refuses companies, merged and missing customers, and stale etags', async () => {
  const [firm, ada, twin] = [
    await customers.create(caller, company()),
    await customers.create(caller, someone('ada')),
    await customers.create(caller, person()),
  ];
  await expect(erase(firm.id)).rejects.toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'NOT_A_PERSON' });
  await expect(erase(ada.id, { etag: '"9"' })).rejects.toMatchObject({ code: 'ABORTED', reason: 'ETAG_MISMATCH' });
  await tenant.merge(ada.id, twin.id);
  await expect(erase(twin.id)).rejects.toMatchObject({ code: 'NOT_FOUND', metadata: { mergedInto: ada.id } });
  await expect(erase(v7())).rejects.toMatchObject({ code: 'NOT_FOUND', reason: 'CUSTOMER_NOT_FOUND' });
  const writer = { ...caller, permissions: ['customers.read', 'customers.write'] };
  const erasure = { reason: ' ' };
  await expect(customers.call('eraseCustomer', { id: ada.id, erasure }, caller)).rejects.toMatchObject({
    violations: [{ field: 'erasure.reason', reason: 'REQUIRED' }],
  });
  await expect(customers.call('eraseCustomer', { id: ada.id, erasure }, writer)).rejects.toMatchObject({
    code: 'PERMISSION_DENIED',
  });
  ({ caller } = new MergingTenant(customers));
  await expect(erase(ada.id)).rejects.toMatchObject({ code: 'NOT_FOUND', reason: 'CUSTOMER_NOT_FOUND' });
});
