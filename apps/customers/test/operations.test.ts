import { Operation_State as State } from '@rapport/contracts/rapport/customers/v1/operations_service';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { csv, ImportTenant } from './import-tenant.js';
import { OperationTenant, people } from './operation-tenant.js';
import { newCaller, RunningCustomers } from './running-customers.js';

/** Rows of a chunk. */
const chunkRows = 20;

let customers: RunningCustomers;

let tenant: OperationTenant;

// A service of its own: few rows are several chunks.
beforeAll(async () => {
  customers = await RunningCustomers.start({ bulkLimits: { importChunkRows: chunkRows } });
});
afterAll(() => customers.stop());
beforeEach(async () => {
  tenant = await OperationTenant.create(customers);
});
afterEach(() => tenant.close());

describe('an import as an operation', () => {
  test('has the result of a unary import, and leaves only its report', async () => {
    const other = await ImportTenant.create(customers);
    const answer = await other.importFile(csv(people(120)));

    const operation = await tenant.run(people(120));

    const { rows, created, updated, unchanged, joined, failed, issues } = answer;
    expect(operation).toMatchObject({
      state: State.SUCCEEDED,
      counts: { rows, created, updated, unchanged, joined, failed, issues: issues.length, undone: 0 },
      columns: answer.columns,
      processedBytes: operation.receivedBytes,
      createdBy: tenant.caller.principalId,
    });
    expect(operation.counts?.joined).toBeGreaterThan(0);
    expect(await tenant.reasons(operation.id)).toEqual(issues.map(({ reason }) => reason));
    const theirs = await OperationTenant.create(customers, other.caller);
    expect(await tenant.contents()).toEqual(await theirs.contents());
    await tenant.untilCleared();
    await Promise.all([other.close(), theirs.close()]);
  });

  test('changes nothing when the same file is imported again', async () => {
    await tenant.run(people(110));
    const before = await tenant.dump([]);

    const { counts } = await tenant.run(people(110));

    expect(counts).toMatchObject({ created: 0, updated: 0 });
    expect(await tenant.dump([])).toEqual(before);
  });

  test('records the time of a customer’s stage', async () => {
    await tenant.run('email,lifecycle stage\na@x.example,lead\n');
    const stages = () =>
      tenant.database
        .query<{ time: Date }>('select lifecycle_stage_time as time from customer')
        .then(({ rows }) => rows);
    const [first] = await stages();
    await tenant.run('email,lifecycle stage,city\na@x.example,lead,Berlin\n');
    const [same] = await stages();
    await tenant.run('email,lifecycle stage\na@x.example,customer\n');
    const [next] = await stages();

    expect(first?.time).toBeInstanceOf(Date);
    expect(same).toEqual(first);
    expect(next?.time.getTime()).toBeGreaterThan(first!.time.getTime());
  });

  test('fails on an unreadable file, retains completed rows, and fails again when resumed', async () => {
    const broken = `${people(110)}"not closed,`;

    const failed = await tenant.run(broken);
    await customers.call('resumeOperation', { id: failed.id }, tenant.caller);
    const again = await tenant.untilEnded(failed.id);

    expect(failed).toMatchObject({ state: State.FAILED, error: { code: 'INVALID_ARGUMENT', reason: 'CSV_INVALID' } });
    // Whole chunks, without the one that was being written.
    expect([20, 40, 60, 80, 100]).toContain(failed.counts?.rows);
    expect(again).toMatchObject({ state: State.FAILED, error: failed.error, counts: failed.counts });
  });

  test('without a known column does nothing', async () => {
    const missing = await tenant.run('a,b\n1,2\n', { map: ['c=email'] });
    const unknown = await tenant.run('a,b\n1,2\n');
    const empty = await tenant.run('');

    expect([missing, unknown, empty].map(({ error }) => error?.reason)).toEqual([
      'COLUMN_MISSING',
      'COLUMNS_UNKNOWN',
      'FILE_EMPTY',
    ]);
    expect(await tenant.dump()).toEqual([]);
  });

  test('waits for another write of the same value, and continues', async () => {
    const other = await ImportTenant.create(customers);
    const mine = await OperationTenant.create(customers, other.caller);
    const commit = await other.beginEve('p3@example.com');

    const { id } = await mine.start(people(20));
    await commit();
    const { state, counts } = await mine.untilEnded(id);

    expect([state, counts?.failed, counts?.created]).toEqual([State.SUCCEEDED, 0, 18]);
    await Promise.all([other.close(), mine.close()]);
  });

  test('of the same tenant waits for the previous one', async () => {
    const [first, second] = [await tenant.start(people(110)), await tenant.start(people(110))];

    const ended = await tenant.untilEnded(second.id);

    expect((await tenant.get(first.id)).endTime! <= ended.startTime!).toBe(true);
    expect(ended.counts).toMatchObject({ created: 0, updated: 0 });
  });

  test.each([
    [{ contentType: 'image/png' }, 'import.contentType', 'CONTENT_TYPE_UNSUPPORTED'],
    [{ contentType: 'text/csv; charset=klingon' }, 'import.contentType', 'CHARSET_UNSUPPORTED'],
    [{ map: ['a=email', 'b=shoe_size'] }, 'import.map[1]', 'UNKNOWN_FIELD'],
  ])('is refused with %j', async (input, field, reason) => {
    await expect(tenant.createImport(input)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      violations: [{ field, reason }],
    });
  });

  test('is created once per idempotency key', async () => {
    const first = await tenant.createImport({}, 'k');

    expect(await tenant.createImport({}, 'k')).toEqual(first);
    expect((await customers.call('listOperations', {}, tenant.caller)).operations).toHaveLength(1);
  });
});

describe('a dry run', () => {
  test('reports the counts and issues of the real run, and changes nothing', async () => {
    await tenant.run(people(50, 30));
    const before = await tenant.dump([]);

    const dry = await tenant.run(people(120), { dryRun: true });
    const after = await tenant.dump([]);
    const dryIssues = await tenant.download(dry.id);
    const real = await tenant.run(people(120));

    expect(after).toEqual(before);
    expect(dry).toMatchObject({ state: State.SUCCEEDED, counts: real.counts, columns: real.columns });
    expect(withoutIds(dryIssues)).toEqual(withoutIds(await tenant.download(real.id)));
    expect(real.counts).toMatchObject({
      unchanged: expect.any(Number) as number,
      updated: expect.any(Number) as number,
    });
    await tenant.untilCleared();
  });

  test('can not be undone', async () => {
    const { id } = await tenant.run(people(3), { dryRun: true });

    await expect(tenant.undo(id)).rejects.toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'OPERATION_STATE' });
  });
});

/** Customers that a dry run would create have other ids. */
function withoutIds(text: string): string {
  return text.replaceAll(/,[0-9a-f-]{36}\r\n/g, ',id\r\n');
}

describe('an operation', () => {
  test('is paused at a checkpoint, and after resuming has the same result', async () => {
    const paused = await tenant.steerAt('p5@example.com', 'pauseOperation', people(100));
    const { id } = paused;
    const stored = await tenant.dump([]);
    await tenant.run('email\nother@x.example\n');
    expect(await tenant.get(id)).toEqual(paused);
    expect(await tenant.dump([])).toHaveLength(stored.length + 2);
    await customers.call('resumeOperation', { id }, tenant.caller);
    const ended = await tenant.untilEnded(id);

    expect(paused).toMatchObject({ state: State.PAUSED });
    expect([20, 40, 60, 80]).toContain(paused.counts!.rows);
    expect(ended).toMatchObject({ state: State.SUCCEEDED, counts: { rows: 102 } });
    const whole = await OperationTenant.create(customers);
    const unbroken = await whole.run(people(100));
    await whole.run('email\nother@x.example\n');
    expect(ended.counts).toEqual(unbroken.counts);
    expect(await tenant.contents()).toEqual(await whole.contents());
    await whole.close();
  });

  test('that is cancelled retains completed rows, and can be undone', async () => {
    // The worker may begin further chunks before the call gets the lock that it waits for.
    const cancelled = await tenant.steerAt('p5@example.com', 'cancelOperation', people(400));
    await tenant.untilCleared();
    const { rows } = await tenant.database.query('select from customer');
    const undone = await tenant.undo(cancelled.id);

    expect(cancelled).toMatchObject({ state: State.CANCELLED, endTime: expect.any(String) as string });
    expect(Array.from({ length: 19 }, (_, index) => 20 * (index + 1))).toContain(cancelled.counts!.rows);
    expect(rows).toHaveLength(cancelled.counts!.created);
    expect(undone).toMatchObject({ state: State.UNDONE, counts: { undone: rows.length } });
    expect(await tenant.dump()).toEqual([]);
  });

  test('accepts only calls that its state allows', async () => {
    const waiting = await tenant.createImport();
    const done = await tenant.run(people(3));
    const refuse = (name: 'pauseOperation' | 'resumeOperation' | 'cancelOperation' | 'undoOperation', id: string) =>
      expect(customers.call(name, { id }, tenant.caller)).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });

    await refuse('pauseOperation', waiting.id);
    await refuse('resumeOperation', waiting.id);
    await refuse('undoOperation', waiting.id);
    await refuse('pauseOperation', done.id);
    await refuse('resumeOperation', done.id);
    await refuse('cancelOperation', done.id);
    expect(await tenant.undo(done.id)).toMatchObject({ state: State.UNDONE });
    await refuse('undoOperation', done.id);
    expect(await customers.call('cancelOperation', { id: waiting.id }, tenant.caller)).toMatchObject({
      state: State.CANCELLED,
    });
  });

  test('of another tenant is NOT_FOUND for every method', async () => {
    const { id } = await tenant.run(people(3));
    const stranger = await OperationTenant.create(customers);
    const names = [
      'getOperation',
      'pauseOperation',
      'resumeOperation',
      'cancelOperation',
      'undoOperation',
      'listOperationIssues',
    ] as const;

    for (const name of names) {
      await expect(customers.call(name, { id }, stranger.caller)).rejects.toMatchObject({
        code: 'NOT_FOUND',
        reason: 'OPERATION_NOT_FOUND',
      });
    }
    await expect(stranger.upload(id, ['x'])).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(stranger.download(id)).rejects.toMatchObject({ code: 5 });
    await expect(stranger.watch(id).toArray()).rejects.toMatchObject({ code: 5 });
    expect((await customers.call('listOperations', {}, stranger.caller)).operations).toEqual([]);
    await stranger.close();
  });

  test('requires the permission to write, except for reading', async () => {
    const reader = { ...newCaller(), permissions: ['customers.read'] };

    await expect(customers.call('listOperations', {}, reader)).resolves.toMatchObject({ operations: [] });
    await expect(customers.call('undoOperation', { id: reader.tenantId }, reader)).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
    });
  });

  test('streams its state to a watcher until it ends', async () => {
    const { id } = await tenant.createImport();
    const states: State[] = [];
    const watching = (async () => {
      for await (const operation of tenant.watch(id) as AsyncIterable<{ state: State }>) states.push(operation.state);
    })();
    await tenant.until(id, () => states.length > 0);
    await tenant.upload(id, [people(20)]);
    await watching;

    expect([states[0], states.at(-1)]).toEqual([State.WAITING, State.SUCCEEDED]);
  });

  test('that waited too long for its file is cancelled', async () => {
    const { id } = await tenant.createImport();
    await tenant.database.query(
      `update operation_job set due_time = due_time - interval '24 hours' where operation_id = $1`,
      [id],
    );

    expect(await tenant.untilEnded(id)).toMatchObject({ state: State.CANCELLED });
    await tenant.untilCleared();
  });

  test.each(['PAUSED', 'FAILED'])('that is %s retains its file for 7 days, and is then cancelled', async (state) => {
    const { id } =
      state === 'PAUSED'
        ? await tenant.steerAt('p5@example.com', 'pauseOperation', people(100))
        : await tenant.run(`${people(110)}"not closed,`);
    expect(State[(await tenant.get(id)).state]).toBe(state);
    const { rows } = await tenant.database.query<{ days: number }>(
      `update operation_job set due_time = due_time - interval '7 days' where operation_id = $1
       returning round(extract(epoch from due_time + interval '7 days' - now()) / 86400)::int as days`,
      [id],
    );

    const ended = await tenant.until(id, (operation) => operation.state === State.CANCELLED);

    expect(rows).toEqual([{ days: 7 }]);
    expect(ended.counts!.rows).toBeGreaterThan(0);
    await tenant.untilCleared();
  });

  const createImports = (count: number) => Promise.all(Array.from({ length: count }, () => tenant.createImport()));

  test('is refused when 100 of the tenant are in progress', async () => {
    const [first] = await createImports(3);
    // Few at a time: each waits for the one before it, and no longer than the lock timeout.
    for (let created = 3; created < 99; created += 3) await createImports(3);

    const results = await Promise.allSettled([tenant.createImport(), tenant.createImport()]);
    await customers.call('cancelOperation', { id: first!.id }, tenant.caller);

    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'RESOURCE_EXHAUSTED', reason: 'TOO_MANY_OPERATIONS' },
    });
    expect(await tenant.createImport()).toMatchObject({ state: State.WAITING });
  });

  test('is listed, newest first, page by page', async () => {
    const ids = [];
    for (let count = 0; count < 3; count += 1) ids.unshift((await tenant.createImport()).id);

    const first = await customers.call('listOperations', { pageSize: 2 }, tenant.caller);
    const { nextPageToken: pageToken } = first;
    const second = await customers.call('listOperations', { pageSize: 2, pageToken }, tenant.caller);

    expect([...first.operations, ...second.operations].map(({ id }) => id)).toEqual(ids);
    expect(second.nextPageToken).toBeUndefined();
  });
});
