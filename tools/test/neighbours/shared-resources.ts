import { queryDatabase } from '@rapport/testing';
import pg from 'pg';
import { v7 } from 'uuid';
import { expect } from 'vitest';
import { expressionThreads } from './expression-threads.ts';
import { feedResources } from './feed-resources.ts';
import type { Neighbour } from './neighbour.ts';
import { refused, type SharedResource } from './shared-resource.ts';

/** Connections of the pool of customers: writes of one tenant have at most 9. */
const connectionsOfTenant = 9;

/** Places for bulk work of a tenant in one edge, and watchers of operations of a tenant in one process. */
const bulkPlaces = 16;
const watchers = 100;

/** An entry has: how a tenant reaches its limit, and the call of another tenant meanwhile. */
export const sharedResources: SharedResource[] = [
  { name: 'connections of the database', hold: holdConnections, use: (calm, round) => calm.create(`Beside ${round}`) },
  { name: 'imports', hold: holdImports, use: importOne },
  { name: 'exports', hold: holdExports, use: (calm) => calm.send('GET', '/v1/customers:export') },
  { name: 'snapshots', hold: holdSnapshot, use: (calm) => calm.send('GET', '/v1/customers:snapshot') },
  { name: 'bulk places', hold: holdBulkPlaces, use: importOne },
  { name: 'watchers of operations', hold: holdWatchers, use: watchOne },
  ...feedResources,
  expressionThreads,
];

function importOne(calm: Neighbour, round: number): Promise<Response> {
  return calm.importRows(`name,email\nBeside ${round},beside${round}@example.com\n`);
}

/** Writers of one address wait for the transaction that has claimed it. */
async function holdConnections(hostile: Neighbour): Promise<() => Promise<unknown>> {
  const { superuserUrl } = hostile.platform.customersDatabase;
  const claim = new pg.Client({ connectionString: superuserUrl });
  await claim.connect();
  await claim.query('begin');
  await claim.query('set local session_replication_role = replica');
  await claim.query(`insert into customer_key (tenant_id, type, value, customer_id) values ($1, 'EMAIL', $2, $3)`, [
    hostile.tenantId,
    'held@example.com',
    v7(),
  ]);
  let isOver = false;
  const emails = [{ address: 'held@example.com' }];
  const writers = Array.from({ length: 40 }, async () => {
    while (!isOver) await (await hostile.create('Held', { emails })).text();
  });
  const waiting = `select count(*)::int from pg_stat_activity where datname = 'customers' and wait_event_type = 'Lock'`;
  await expect
    .poll(async () => (await queryDatabase<{ count: number }>(superuserUrl, waiting))[0]?.count)
    .toBe(connectionsOfTenant);
  return async () => {
    isOver = true;
    await claim.query('rollback');
    await claim.end();
    await Promise.all(writers);
  };
}

async function holdImports(hostile: Neighbour): Promise<() => Promise<unknown>> {
  const end = new AbortController();
  const open = Array.from({ length: 5 }, () => hostile.trickle('POST', '/v1/customers:import', end.signal));
  return endOf(end, await butTheRefused(open, 'TOO_MANY_IMPORTS'));
}

async function holdExports(hostile: Neighbour): Promise<() => Promise<unknown>> {
  await addLongRecords(hostile);
  const end = new AbortController();
  const read = () => hostile.send('GET', '/v1/customers:export', { signal: end.signal });
  const unread = [await read(), await read()];
  await refused(read, 'TOO_MANY_EXPORTS');
  return endOf(end, unread.map(bodyOf));
}

async function holdSnapshot(hostile: Neighbour): Promise<() => Promise<unknown>> {
  await addLongRecords(hostile);
  const end = new AbortController();
  const read = () => hostile.send('GET', '/v1/customers:snapshot', { signal: end.signal });
  const unread = [await read()];
  await refused(read, 'SNAPSHOT_RUNNING');
  return endOf(end, unread.map(bodyOf));
}

async function holdBulkPlaces(hostile: Neighbour): Promise<() => Promise<unknown>> {
  const end = new AbortController();
  const upload = async () => {
    const { id } = await hostile.json<{ id: string }>('POST', '/v1/imports', { contentType: 'text/csv' });
    return hostile.trickle('PUT', `/v1/imports/${id}/file`, end.signal);
  };
  const open = Array.from({ length: bulkPlaces + 1 }, upload);
  return endOf(end, await butTheRefused(open, 'TOO_MANY_CONCURRENT'));
}

async function holdWatchers(hostile: Neighbour): Promise<() => Promise<unknown>> {
  const { id } = await hostile.json<{ id: string }>('POST', '/v1/imports', { contentType: 'text/csv' });
  const end = new AbortController();
  const watch = () => hostile.send('GET', `/v1/operations/${id}:watch`, { ...asEvents, signal: end.signal });
  const open: Response[] = [];
  // Some at a time: each uses a connection for its first query, and the tenant has 12.
  while (open.length < watchers) open.push(...(await Promise.all(Array.from({ length: 10 }, watch))));
  await refused(watch, 'TOO_MANY_WATCHERS');
  return endOf(end, open.map(bodyOf));
}

async function watchOne(calm: Neighbour): Promise<Response> {
  const { id } = await calm.json<{ id: string }>('POST', '/v1/imports', { contentType: 'text/csv' });
  const gone = new AbortController();
  const watch = await calm.send('GET', `/v1/operations/${id}:watch`, { ...asEvents, signal: gone.signal });
  const reader = watch.body?.getReader();
  const chunk = (await reader?.read()) as { value?: Uint8Array<ArrayBuffer> } | undefined;
  gone.abort();
  await calm.send('POST', `/v1/operations/${id}:cancel`);
  return new Response(chunk?.value ?? null, { status: watch.status });
}

const asEvents = { headers: { accept: 'text/event-stream' } };

/** Opens one endless call more than the tenant's limit, and returns all but the refused one. Their order is random. */
async function butTheRefused(calls: Promise<Response>[], code: string): Promise<Promise<Response>[]> {
  const [last, refusal] = await Promise.race(calls.map(async (call, index) => [index, await call] as const));
  expect(await refusal.json()).toMatchObject({ code });
  return calls.toSpliced(last, 1);
}

function bodyOf(answer: Response): Promise<unknown> {
  expect(answer.status).toBe(200);
  return answer.text();
}

/** Ends open calls. */
function endOf(end: AbortController, open: Promise<unknown>[]): () => Promise<unknown> {
  for (const each of open) each.catch(() => undefined);
  return () => {
    end.abort();
    return Promise.allSettled(open);
  };
}

/** More than the buffers between an unreading client and the service hold, without a log entry. */
async function addLongRecords({ platform, tenantId }: Neighbour): Promise<void> {
  const superuser = new pg.Client({ connectionString: platform.customersDatabase.superuserUrl });
  await superuser.connect();
  await superuser.query('begin');
  await superuser.query('set local session_replication_role = replica');
  await superuser.query(
    `insert into customer (tenant_id, id, kind, display_name, job_title, emails, phones, addresses, external_ids,
       domains, tags, search_text, sort_name, version, create_time, update_time, created_by, updated_by)
     select $1, gen_random_uuid(), 'PERSON', 'x', repeat('x', 50000), '[]', '[]', '[]', '[]', '{}', '{}', 'x', 'x', 1,
       now(), now(), 'test', 'test'
     from generate_series(1, 600)`,
    [tenantId],
  );
  await superuser.query('commit');
  await superuser.end();
}
