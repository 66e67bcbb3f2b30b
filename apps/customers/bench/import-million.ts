// Imports a large file by operations into a service of its own: once without a break, once with kill -9 in the middle;
// compares what came of both, undoes the second and compares with what was before. Tells rates and memory.
//   ROWS  rows of the file (1000000)
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Metadata, ServiceError } from '@grpc/grpc-js';
import { writeCallMetadata } from '@rapport/contracts';
import {
  ImportInput,
  OperationsServiceClient,
  type Operation,
} from '@rapport/contracts/rapport/customers/v1/operations_service';
import { runMigrations } from '@rapport/persistence';
import { freePort, provisionDatabase, rssMib, Service, startEmbeddedPostgres } from '@rapport/testing';
import pg from 'pg';
import { v7 } from 'uuid';
import { source } from '../seed/load-source.ts';
import { BenchCaller } from './bench-caller.ts';

const { entities, migrations } = source;

const rows = Number(process.env['ROWS'] ?? 1_000_000);
const pieceRows = 1_000;
const csvImport = ImportInput.fromPartial({ contentType: 'text/csv' });
const firstNames = ['Ada', 'Grace', 'Alan', 'Edsger', 'Barbara', 'Donald', 'Leslie', 'John', 'Frances', 'Katherine'];
const lastNames = [
  'Lovelace',
  'Hopper',
  'Turing',
  'Dijkstra',
  'Liskov',
  'Knuth',
  'Lamport',
  'Backus',
  'Allen',
  'Johnson',
];
const cities = ['Berlin', 'Paris', 'London', 'Madrid', 'Rome', 'Vienna', 'Oslo'];

const folder = await mkdtemp(join(tmpdir(), 'rapport-million-'));
const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'postgres') });
const { ownerUrl, appUrl } = await provisionDatabase(postgres.superuserUrl, 'customers');
await runMigrations({ databaseUrl: ownerUrl, entities, migrations });
const inDatabase = new URL(postgres.superuserUrl);
inDatabase.pathname = 'customers';
const superuser = new pg.Client({ connectionString: inDatabase.href });
await superuser.connect();
const [grpcPort, healthPort] = [await freePort(), await freePort()];
const secret = join(folder, 'url');
await writeFile(secret, appUrl);
const caller = await BenchCaller.in(join(folder, 'caller'));
const service = new Service({
  name: 'customers',
  script: join(import.meta.dirname, '../dist/main.js'),
  env: {
    GRPC_ADDRESS: `127.0.0.1:${grpcPort}`,
    HEALTH_PORT: String(healthPort),
    DATABASE_URL_FILE: secret,
    PAGE_TOKEN_KEY: Buffer.alloc(32, 1).toString('base64'),
    AUDIT_SIGNING_KEY: Buffer.alloc(32, 2).toString('base64'),
    ...caller.env,
    SUPPRESSION_HMAC_KEY: Buffer.alloc(32, 1).toString('base64'),
    // Memory that grows with the file exceeds the limit.
    NODE_OPTIONS: '--max-old-space-size=192',
  },
  healthPort,
  logFile: join(folder, 'customers.log'),
});
await service.start();
const client = new OperationsServiceClient(`127.0.0.1:${grpcPort}`, caller.tls.certificates.forClient(), {
  'grpc.ssl_target_name_override': caller.tls.serviceName,
});

try {
  await main();
} finally {
  client.close();
  await superuser.end();
  await service.stop();
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const [calm, killed] = [v7(), v7()];
  await addEarlier(calm);
  const unbroken = await importFile(calm, false);
  report('uninterrupted', unbroken);
  report('plain COPY', await copyAgain(calm));

  await addEarlier(killed);
  const before = await contentHash(killed, true);
  const broken = await importFile(killed, true);
  report('with kill -9', broken);
  say(`counts equal: ${same(unbroken.operation.counts, broken.operation.counts)}`);
  say(`contents equal: ${(await contentHash(calm, false)) === (await contentHash(killed, false))}`);

  const undone = await untilEnded(killed, await unary('undoOperation', killed, { id: broken.operation.id }), false);
  report('undo', undone);
  say(`as before the import: ${(await contentHash(killed, true)) === before}`, undone.operation.counts);
}

interface Run {
  operation: Operation;
  seconds: number;
  peakRssMib: number;
}

async function importFile(tenantId: string, kill: boolean): Promise<Run> {
  const { id } = await unary('createImport', tenantId, { import: csvImport });
  const began = performance.now();
  const uploaded = await upload(tenantId, id);
  say(`uploaded ${uploaded.receivedBytes} bytes in ${((performance.now() - began) / 1_000).toFixed(1)} s`);
  return untilEnded(tenantId, uploaded, kill);
}

async function untilEnded(tenantId: string, begun: Operation, kill: boolean): Promise<Run> {
  const began = performance.now();
  let isKilled = !kill;
  let peakRssMib = 0;
  for (;;) {
    await delay(500);
    peakRssMib = Math.max(peakRssMib, rssMib(service.pid) ?? NaN);
    const operation = await unary('getOperation', tenantId, { id: begun.id });
    if (operation.endTime) {
      if (operation.error) throw new Error(JSON.stringify(operation.error));
      return { operation, seconds: (performance.now() - began) / 1_000, peakRssMib };
    }
    if (isKilled || operation.counts!.rows < rows / 2) continue;
    isKilled = true;
    await service.kill();
    const { rows: done } = await superuser.query<{ done: number }>(
      `select (counts ->> 'rows')::int as done from operation where id = $1`,
      [begun.id],
    );
    say(`killed after ${done[0]?.done} rows`);
    await service.start();
  }
}

/** Time of COPY for the same rows into the same indexed tables. */
async function copyAgain(tenantId: string): Promise<Run> {
  const { rows: names } = await superuser.query<{ list: string }>(
    `select string_agg(column_name, ', ' order by ordinal_position) as list from information_schema.columns
     where table_name = 'customer' and table_schema = 'public' and column_name <> 'tenant_id'`,
  );
  const list = names[0]!.list;
  const other = v7();
  // The server reads and writes these files itself.
  const file = join(tmpdir(), `rapport-million-${other}`);
  await superuser.query(
    `copy (select '${other}', ${list} from customer where tenant_id = '${tenantId}') to '${file}-1'`,
  );
  await superuser.query(
    `copy (select '${other}', type, value, customer_id from customer_key where tenant_id = '${tenantId}') to '${file}-2'`,
  );
  const began = performance.now();
  await superuser.query(`copy customer (tenant_id, ${list}) from '${file}-1'`);
  await superuser.query(`copy customer_key (tenant_id, type, value, customer_id) from '${file}-2'`);
  const seconds = (performance.now() - began) / 1_000;
  for (const number of [1, 2]) await rm(`${file}-${number}`);
  return { operation: { counts: { rows } } as Operation, seconds, peakRssMib: 0 };
}

/** Existing customers that the file changes, so that the undo has something to restore. */
async function addEarlier(tenantId: string): Promise<void> {
  const { id } = await unary('createImport', tenantId, { import: csvImport });
  await untilEnded(tenantId, await upload(tenantId, id, rows / 100, 'Earlier'), false);
}

function* fileOf(count: number, jobTitle: string): Generator<string> {
  yield 'Given Name,Family Name,Email,Phone,Street,City,Country,Tag,Job Title,Lifecycle Stage\n';
  for (let start = 0; start < count; start += pieceRows) {
    let text = '';
    for (let row = start; row < Math.min(count, start + pieceRows); row += 1) {
      const [first, last, city] = [pick(firstNames, row), pick(lastNames, row * 7), pick(cities, row)];
      text += `${first},${last}${row.toString(36)},u${row}@example${row % 977}.com,+4930${1_000_000 + (row % 9_000_000)},`;
      text += `${row % 200} Main Street,${city},DE,t${row % 50},${jobTitle} ${row % 30},lead\n`;
    }
    yield text;
  }
}

function pick(list: string[], index: number): string {
  return list[index % list.length]!;
}

async function upload(tenantId: string, id: string, count = rows, jobTitle = 'Engineer'): Promise<Operation> {
  const { promise, resolve, reject } = Promise.withResolvers<Operation>();
  const call = client.uploadImportFile(metadataOf(tenantId), (error, operation) =>
    error ? reject(error) : resolve(operation),
  );
  const send = async (id: string, text: string) => {
    if (!call.write({ id, file: { contentType: '', data: Buffer.from(text), extensions: [] } }))
      await once(call, 'drain');
  };
  let isFirst = true;
  for (const text of fileOf(count, jobTitle)) {
    await send(isFirst ? id : '', text);
    isFirst = false;
  }
  await send('', '');
  call.end();
  return promise;
}

function unary(name: 'createImport' | 'getOperation' | 'undoOperation', tenantId: string, request: object) {
  return new Promise<Operation>((resolve, reject) => {
    const settle = (error: ServiceError | null, operation: Operation) => (error ? reject(error) : resolve(operation));
    const calls = client as unknown as Record<typeof name, (...input: unknown[]) => void>;
    calls[name](request, metadataOf(tenantId), { waitForReady: true }, settle);
  });
}

function metadataOf(tenantId: string): Metadata {
  return writeCallMetadata(caller.outgoing(tenantId));
}

/** A hash of all customers and keys of a tenant, independent of their order. */
async function contentHash(tenantId: string, withIds: boolean): Promise<string> {
  const names = ['tenant_id', 'id', 'create_time', 'created_by', 'lifecycle_stage_time'];
  const without = ['version', 'update_time', 'updated_by', ...(withIds ? [] : names)];
  const { rows: sums } = await superuser.query<{ sum: string }>(
    `select concat(count(*), ' ', sum(('x' || left(md5(stored), 15))::bit(60)::bigint)) as sum from (
       select (to_jsonb(customer) - $2::text[])::text as stored from customer where tenant_id = $1
       union all select concat(type, value, case when $3 then customer_id::text end) from customer_key where tenant_id = $1
     ) everything`,
    [tenantId, without, withIds],
  );
  return createHash('sha256').update(sums[0]!.sum).digest('hex');
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function report(what: string, { operation, seconds, peakRssMib }: Run): void {
  const { counts } = operation;
  say(
    `${what}: ${seconds.toFixed(1)} s, ${Math.round(counts!.rows / seconds)} rows/s, peak RSS ${peakRssMib} MiB`,
    counts,
  );
}

function say(text: string, facts: object = {}): void {
  process.stdout.write(`${text} ${JSON.stringify(facts)}\n`);
}
