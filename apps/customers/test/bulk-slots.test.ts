import { once } from 'node:events';
import type { ServiceError } from '@grpc/grpc-js';
import { fromGrpcError } from '@rapport/contracts';
import { CustomersServiceService, ExportFormat } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import type { Operation } from '@rapport/contracts/rapport/customers/v1/operations_service';
import type { Caller } from '@rapport/platform';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { snapshot } from './change-feeds.js';
import { counts, csv, endOfFile, ImportTenant, none, pieces } from './import-tenant.js';
import { addLongRecords } from './long-records.js';
import { OperationTenant } from './operation-tenant.js';
import { newCaller, person, RunningCustomers } from './running-customers.js';

let customers: RunningCustomers;
let hostile: Caller;
let calm: Caller;

beforeAll(async () => {
  customers = await RunningCustomers.start();
});
afterAll(() => customers.stop());
beforeEach(async () => {
  [hostile, calm] = [newCaller(), newCaller()];
  await customers.create(calm, person());
});

type Pieces = AsyncGenerator<HttpBody, void>;

function exportAll(caller: Caller): Pieces {
  const options = { context: customers.outgoing(caller), deadlineMs: 60_000 };
  const request = { format: ExportFormat.NDJSON, columns: [] };
  return customers.streams.stream(CustomersServiceService.exportCustomers.path, request, options) as Pieces;
}

async function count(stream: AsyncIterable<unknown>): Promise<number> {
  let items = 0;
  for await (const _ of stream) items += 1;
  return items;
}

test('stalled imports block further imports of their own tenant only', async () => {
  const [sender, other] = [await ImportTenant.create(customers, hostile), await ImportTenant.create(customers, calm)];
  // One more than a tenant may have: the last one is refused.
  const open = Array.from({ length: 5 }, () => {
    const { promise: ended, resolve } = Promise.withResolvers<Error | null>();
    const call = sender.open(resolve);
    call.write([...pieces(csv('name\nAda\n'))][0]!);
    return { call, ended };
  });
  const refused = await Promise.race(open.map(({ ended }, index) => ended.then((error) => ({ index, error }))));
  open.splice(refused.index, 1);
  const refusal = { code: 'RESOURCE_EXHAUSTED', reason: 'TOO_MANY_IMPORTS', retryAfterSeconds: 10 };
  expect(fromGrpcError(refused.error as ServiceError)).toMatchObject(refusal);

  for (let file = 0; file < 10; file += 1) {
    expect(counts(await other.importFile(csv(`name\nNew ${file}\n`)))).toEqual({ ...none, created: 1 });
  }

  for (const { call, ended } of open) {
    call.write(endOfFile);
    call.end();
    expect(await ended).toBeNull();
  }
  expect((await sender.importFile(csv('name\nBob\n'))).rows).toBe(1);
  await Promise.all([sender.close(), other.close()]);
});

test('stalled exports block further exports of their own tenant only', async () => {
  await addLongRecords(customers, hostile);
  const unread = [exportAll(hostile), exportAll(hostile)];
  for (const each of unread) await each.next();
  await expect(exportAll(hostile).next()).rejects.toMatchObject({ reason: 'TOO_MANY_EXPORTS', retryAfterSeconds: 10 });

  for (let file = 0; file < 10; file += 1) expect(await count(exportAll(calm))).toBeGreaterThan(0);

  for (const each of unread) await each.return();
  await expect.poll(() => count(exportAll(hostile))).toBeGreaterThan(0);
});

test.each([
  ['exports', exportAll, 2],
  ['snapshots', (caller: Caller) => snapshot(customers, caller), 4],
] as const)('stalled %s lose their slots when many tenants hold them all', async (_, read, tenants) => {
  const others = Array.from({ length: tenants }, newCaller);
  for (const other of others) await addLongRecords(customers, other);
  const perTenant = 4 / tenants;
  const unread = others.flatMap((other) => Array.from({ length: perTenant }, () => read(other)));
  for (const each of unread) await each.next();

  for (let round = 0; round < 5; round += 1) expect(await count(read(calm))).toBeGreaterThan(0);

  const ends = await Promise.allSettled(unread.map((each) => count(each)));
  const reasons = ends.flatMap((end) => (end.status === 'rejected' ? [(end.reason as { reason: string }).reason] : []));
  expect(reasons.length).toBeGreaterThan(0);
  expect(new Set(reasons)).toEqual(new Set(['READER_TOO_SLOW']));
});

test('watchers of operations block further watchers of their own tenant only', async () => {
  const tenants = [await OperationTenant.create(customers, hostile), await OperationTenant.create(customers, calm)];
  const open: ReturnType<OperationTenant['watch']>[] = [];
  const watching = async (tenant: OperationTenant) => {
    const { id } = await tenant.createImport();
    return async () => {
      const call = tenant.watch(id);
      open.push(call);
      await once(call, 'data');
      // Cancelled at the end; nothing awaits it.
      call.on('error', () => undefined);
    };
  };
  const [watchHostile, watchCalm] = [await watching(tenants[0]!), await watching(tenants[1]!)];
  // A few at a time: each needs a connection for its first read, and the tenant has 12.
  for (let opened = 0; opened < 100; opened += 10) await Promise.all(Array.from({ length: 10 }, watchHostile));
  await expect(watchHostile()).rejects.toMatchObject({ details: expect.stringContaining('Too many') as string });

  await watchCalm();

  for (const call of open) call.cancel();
  await Promise.all(tenants.map((tenant) => tenant.close()));
});

test('long operations of two tenants yield to that of a third', async () => {
  const turns = await RunningCustomers.start({
    jobLookMs: 50,
    bulkLimits: { operationTurnMs: 50, importChunkRows: 5 },
  });
  const [one, other, third] = [
    await OperationTenant.create(turns),
    await OperationTenant.create(turns),
    await OperationTenant.create(turns),
  ];
  const rows = 500;
  const long = `name,email\n${Array.from({ length: rows }, (_, row) => `N${row},n${row}@x.example\n`).join('')}`;
  const running = [await one.start(long), await other.start(long)];
  const hasBegun = ({ counts }: Operation) => (counts?.rows ?? 0) > 0;
  await one.until(running[0]!.id, hasBegun);
  await other.until(running[1]!.id, hasBegun);

  const ended = await third.run('name\nAda\n');

  expect(ended.counts).toMatchObject({ created: 1 });
  const left = [await one.get(running[0]!.id), await other.get(running[1]!.id)];
  expect(left.map(({ endTime }) => endTime)).toEqual([undefined, undefined]);
  // And each continues to its end.
  const ends = [await one.untilEnded(running[0]!.id), await other.untilEnded(running[1]!.id)];
  for (const end of ends) expect(end.counts).toMatchObject({ rows, created: rows });
  await Promise.all([one.close(), other.close(), third.close()]);
  await turns.stop();
}, 120_000);
