import type { ServiceError } from '@grpc/grpc-js';
import type { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { counts, csv, issues, messages, none, pieces, rowsOf, ImportTenant } from './import-tenant.js';
import { RunningCustomers } from './running-customers.js';

/** A session that waits for a value claimed by another transaction. */
const waiting = `wait_event_type = 'Lock' and query like '%customer_key%'`;

let customers: RunningCustomers;
let tenant: ImportTenant;

// A service of its own: it counts the imports of a process.
beforeAll(async () => {
  customers = await RunningCustomers.start();
});
afterAll(() => customers.stop());
beforeEach(async () => {
  tenant = await ImportTenant.create(customers);
});
afterEach(() => tenant.close());

describe('a file', () => {
  test('with bad rows imports the good ones and names the others by line', async () => {
    const answer = await tenant.importFile(
      csv('name,email\nAda,ada@x.example\nBob\n,,\n,\nCy,nobody\n,c@x.example\nDan,d@x.example,3\n'),
    );

    expect(counts(answer)).toEqual({ ...none, created: 2, failed: 3 });
    expect(issues(answer)).toEqual([
      [3, 'TOO_FEW_CELLS', undefined],
      [6, 'BAD_FORMAT', 'emails[0].address'],
      [8, 'TOO_MANY_CELLS', undefined],
    ]);
  });

  test('lists 10,000 issues and counts the rest', async () => {
    const answer = await tenant.importFile(csv(`name,city\n${',Berlin\n'.repeat(10_020)}`));

    expect(counts(answer)).toEqual({ ...none, failed: 10_020 });
    expect([answer.issues.length, answer.issuesOmitted]).toEqual([10_000, 20]);
  });

  test('that is interrupted leaves nothing, by invalid JSON or a disconnected client', async () => {
    const rows = Array.from({ length: 3_000 }, (_, index) => ({ name: `N${index}`, email: `n${index}@x.example` }));
    const text = JSON.stringify(rows);
    await expect(tenant.importFile({ contentType: 'application/json', data: text.slice(0, -1) })).rejects.toMatchObject(
      {
        violations: [{ field: 'file', reason: 'JSON_ENDS_EARLY' }],
      },
    );

    await tenant.beginEve('n2999@x.example');
    const settled = new Promise<ServiceError | null>((resolve) => {
      const call = tenant.open(resolve);
      const { data } = rowsOf(rows);
      for (const message of messages({ contentType: 'application/x-ndjson', data })) call.write(message);
      void tenant.waitForSessions(1, waiting).then(() => call.cancel());
    });
    expect(await settled).toMatchObject({ code: 1 });

    await tenant.waitForSessions(0, waiting);
    await tenant.database.query('rollback');
    expect(await tenant.storedRows()).toEqual([]);
  });

  test('that ends without an end marker leaves nothing: its sender may have crashed', async () => {
    await expect(tenant.upload(pieces(csv('name\nAda\nBob\nCy')))).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await tenant.storedRows()).toEqual([]);
  });

  test.each([
    ['application/xml', {}, 'file', 'CONTENT_TYPE_UNSUPPORTED'],
    ['text/csv', { map: ['nope'] }, 'map[0]', 'BAD_FORMAT'],
    ['text/csv', { map: ['name=colour'] }, 'map[0]', 'UNKNOWN_FIELD'],
    ['text/csv', { map: ['missing=email'] }, 'map', 'COLUMN_MISSING'],
    ['text/csv', { externalIdSystem: 'No!' }, 'externalIdSystem', 'BAD_FORMAT'],
    ['text/csv', { kind: 7 as CustomerKind }, 'kind', 'UNKNOWN_VALUE'],
    ['text/csv', { data: '' }, 'file', 'FILE_EMPTY'],
  ])('of %s with %j is refused for %s', async (contentType, more, field, reason) => {
    await expect(tenant.importFile({ contentType, data: 'name,city\nAda,Berlin', ...more })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      violations: [{ field, reason }],
    });
    expect(await tenant.storedRows()).toEqual([]);
  });

  test('sees no customer of another tenant', async () => {
    const rows = rowsOf([{ id: 1, name: 'Ada', email: 'ada@x.example' }, { name: 'Bob' }], { externalIdSystem: 'erp' });
    const other = await ImportTenant.create(customers);
    await other.importFile(rows);
    await other.close();

    expect(counts(await tenant.importFile(rows))).toEqual({ ...none, created: 2 });
  });

  test('fails as a whole after a concurrent write takes one of its unique values', async () => {
    const commit = await tenant.beginEve('ada@x.example');

    const importing = tenant.importFile(
      rowsOf([
        { name: 'Bob', email: 'bob@x.example' },
        { name: 'Ada', email: 'ada@x.example' },
      ]),
    );
    const outcome = expect(importing).rejects.toMatchObject({ code: 'ABORTED', reason: 'IMPORT_CONFLICT' });
    await commit();

    await outcome;
    expect((await tenant.stored()).map(({ displayName }) => displayName)).toEqual(['Eve']);
  });
});
