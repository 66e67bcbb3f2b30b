import { createHash, createPublicKey, verify } from 'node:crypto';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import type { AuditEntry } from '@rapport/contracts/rapport/api/v1/audit';
import {
  AuditServiceService as Methods,
  type ExportAuditEntriesRequest,
  type ListAuditEntriesRequest,
} from '@rapport/contracts/rapport/customers/v1/audit_service';
import { BatchMode, ExportFormat } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { Caller } from '@rapport/platform';
import pg from 'pg';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyAll } from './audit-command.js';
import { snapshot } from './change-feeds.js';
import { customerOf, newCaller, person, RunningCustomers } from './running-customers.js';
import { superuserOf } from './superuser.js';

let customers: RunningCustomers;
let superuser: pg.Client;

// A service of its own: it drops the changes of all tenants.
beforeAll(async () => {
  customers = await RunningCustomers.start();
  superuser = await superuserOf(customers.urls.ownerUrl);
});
afterAll(async () => {
  await superuser.end();
  await customers.stop();
});

async function entriesOf(caller: Caller, filter: Partial<ListAuditEntriesRequest> = {}): Promise<AuditEntry[]> {
  return (await customers.call('listAuditEntries', filter, caller)).entries;
}

async function exported(caller: Caller, filter: Partial<ExportAuditEntriesRequest> = {}): Promise<string[]> {
  const options = { context: customers.outgoing(caller), deadlineMs: 20_000 };
  let text = '';
  for await (const body of customers.streams.stream(Methods.exportAuditEntries.path, filter, options)) {
    text += Buffer.from((body as HttpBody).data).toString();
  }
  return text.split('\n').filter(Boolean);
}

describe('an entry', () => {
  test('records actor, record and operation of each request', async () => {
    const caller = newCaller();
    const { id } = await customers.create(caller, person());
    await customers.update(caller, id, { givenName: 'Ada' });
    await customers.delete(caller, id);

    const entries = await entriesOf(caller, { record: `customer/${id}` });

    const name = `customer/${id}`;
    expect(entries).toMatchObject([
      { number: 3, kind: 'CHANGE', actor: caller.principalId, records: [{ name, operation: 'DELETE', version: 3 }] },
      { number: 2, records: [{ name, operation: 'UPDATE', version: 2 }] },
      { number: 1, origin: 'api', records: [{ name, operation: 'CREATE', version: 1 }], recordCount: 1 },
    ]);
    expect(new Set(entries.map(({ requestId }) => requestId)).size).toBe(3);
    expect(await entriesOf(caller, { record: `customers/${id}` })).toEqual(entries);
  });

  test('is one entry for all records of a request, found by each of them', async () => {
    const caller = newCaller();
    const items = Array.from({ length: 60 }, () => ({ customer: customerOf(person()) }));
    const batch = { items, mode: BatchMode.ATOMIC };
    const { results } = await customers.call('batchCreateCustomers', { batch }, caller);
    const ids = results.map(({ customer }) => customer?.id);

    const [entry, ...others] = await entriesOf(caller);

    expect(others).toEqual([]);
    expect(entry?.recordCount).toBe(60);
    expect(entry?.records).toHaveLength(20);
    for (const id of ids) expect(await entriesOf(caller, { record: `customer/${id}` })).toEqual([entry]);
  });

  test('records an export before its first customer is sent', async () => {
    const caller = newCaller();
    await customers.create(caller, person());
    const request = { format: ExportFormat.CSV, columns: ['displayName'], filter: undefined, q: undefined };
    const call = customers.client.exportCustomers(request, customers.metadataOf(caller));
    for await (const _ of call) break;

    expect(await entriesOf(caller, { kind: 'EXPORT' })).toMatchObject([
      { actor: caller.principalId, detail: { of: 'customers', format: 'CSV', columns: ['displayName'] } },
    ]);
  });

  test('records a snapshot', async () => {
    const caller = newCaller();
    for await (const _ of snapshot(customers, caller)) break;

    expect(await entriesOf(caller, { kind: 'EXPORT' })).toMatchObject([
      { detail: { of: 'customers', format: 'SNAPSHOT' } },
    ]);
  });

  test('is found by actor and time, and page by page', async () => {
    const caller = newCaller();
    const other = { ...caller, principalId: 'apiKey:other' };
    for (const who of [caller, other, caller]) await customers.create(who, person());
    const all = await entriesOf(caller);
    const [third, second] = all;

    expect(await entriesOf(caller, { actor: 'apiKey:other' })).toEqual([second]);
    expect(await entriesOf(caller, { startTime: third?.time, actor: caller.principalId })).toContainEqual(third);
    expect(await entriesOf(caller, { endTime: all.at(-1)?.time })).toEqual([]);
    const first = await customers.call('listAuditEntries', { pageSize: 2 }, caller);
    const rest = await customers.call('listAuditEntries', { pageSize: 2, pageToken: first.nextPageToken }, caller);
    expect([...first.entries, ...rest.entries]).toEqual(all);
    expect(rest.nextPageToken).toBeUndefined();
  });

  test('is visible to its own tenant only', async () => {
    const [ours, theirs] = [newCaller(), newCaller()];
    const { id } = await customers.create(ours, person());

    expect(await entriesOf(theirs, { record: `customer/${id}` })).toEqual([]);
    expect(await customers.call('verifyAuditEntries', {}, theirs)).toMatchObject({
      end: { number: 0 },
      isComplete: true,
    });
    await expect(customers.call('signAuditHead', {}, theirs)).rejects.toMatchObject({ reason: 'AUDIT_EMPTY' });
  });

  test('can not be written or changed by statements of the service', async () => {
    const app = new pg.Client(customers.urls.appUrl);
    await app.connect();
    await app.query(`set app.tenant_id = '${v7()}'`);
    for (const sql of [
      'insert into audit_entry default values',
      'update audit_entry set actor = actor',
      'delete from audit_entry',
      'update audit_chain set number = 0',
      'delete from audit_head',
      `select append_audit_entries('{}')`,
      `select record_audit_event('{"kind":"CHANGE","records":[],"detail":"{}"}')`,
      'select * from audit_tenants()',
    ]) {
      await expect(app.query(sql), sql).rejects.toMatchObject({ code: '42501' });
    }
    await app.end();
  });
});

test('an export can be verified with nothing but itself, a stored head and the documentation', async () => {
  const caller = newCaller();
  const { id } = await customers.create(caller, person({ displayName: 'Zoë "Ω" 😀', tags: ['vip'] }));
  await customers.update(caller, id, { givenName: 'Zoë' });
  await exported(caller);
  const head = await customers.call('signAuditHead', {}, caller);
  const { keys } = await customers.call('listAuditHeads', {}, caller);

  const lines = await exported(caller);

  const hashes = independentHashes(lines);
  expect(hashes).toEqual(lines.map((line) => (JSON.parse(line) as { hash: string }).hash));
  expect(hashes[head.number - 1]).toBe(head.hash);
  const signed = ['rapport-audit-head', 'customers', caller.tenantId, head.number, head.hash, head.time, head.keyId];
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: keys[0]?.x ?? '' }, format: 'jwk' });
  expect(verify(null, Buffer.from(netstrings(signed)), key, Buffer.from(head.signature, 'base64'))).toBe(true);
});

test('a chain stays valid after its changes expire, and its records can still be found', async () => {
  const caller = newCaller();
  const { id } = await customers.create(caller, person());
  await entriesOf(caller);
  await superuser.query(`update change_log set time = time - interval '2 days'`);
  const app = new pg.Client(customers.urls.appUrl);
  await app.connect();
  await app.query(`select extend_change_log('1 day')`);
  const { rows } = await app.query(`select drop_old_changes('1 day', '7 days') as dropped`);
  await app.end();

  expect(rows).toEqual([{ dropped: 1 }]);
  expect((await superuser.query('select from change_log')).rowCount).toBe(0);
  expect(await customers.call('verifyAuditEntries', {}, caller)).toMatchObject({
    fault: undefined,
    end: { number: 1 },
  });
  expect(await entriesOf(caller, { record: `customer/${id}` })).toHaveLength(1);
  expect((await verifyAll(customers)).exitCode).toBe(0);
});

/** As docs/audit.md says, and by nothing of ours. */
function independentHashes(lines: readonly string[]): string[] {
  const hashes: string[] = [];
  for (const line of lines) {
    const entry = JSON.parse(line) as Record<string, string | number> & {
      records: { name: string; operation?: string; version?: number }[];
    };
    const records = entry.records.flatMap(({ name, operation, version }) => [name, operation, version]);
    const text = netstrings([
      ...[hashes.at(-1) ?? '0'.repeat(64), entry['tenantId'], entry['number'], entry['time'], entry['kind']],
      ...[
        entry['actor'],
        entry['origin'],
        entry['requestId'],
        entry['causationId'],
        netstrings(records),
        entry['detail'],
      ],
    ]);
    hashes.push(createHash('sha256').update(text).digest('hex'));
  }
  return hashes;
}

function netstrings(values: readonly (string | number | undefined)[]): string {
  return values
    .map((value) => (value === undefined ? ':,' : `${new TextEncoder().encode(`${value}`).length}:${value},`))
    .join('');
}
