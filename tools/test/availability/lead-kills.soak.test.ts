import { setTimeout as delay } from 'node:timers/promises';
import { printTally, queryDatabase, sizeOf, soakTimeoutMs, type Platform } from '@rapport/testing';
import pg from 'pg';
import { beforeAll, expect, test, vi } from 'vitest';
import { ApiClient } from '../api-client.ts';
import { killedPlatform } from './killed-platform.ts';

/** The tables whose statements a qualification waits for when its process is killed, in the order of the statements. */
const tables = ['customer', 'lead', 'pipeline', 'deal', 'stage_entry', 'assignment_rule', 'assignment', 'outbox'];
const killedAt = tables.slice(-sizeOf('LEAD_KILL_TABLES', { short: 1, long: tables.length }));

const clients = 64;
const calls = sizeOf('ASSIGNED_CALLS', { short: 2, long: 100 });
const kills = sizeOf('ASSIGNMENT_KILLS', { short: 1, long: 10 });

/** How often a condition of the database is polled, in milliseconds: each time on a connection of its own. */
const polling = { timeout: soakTimeoutMs, interval: 20 };

let platform: Platform;
let api: ApiClient;
let customerId: string;
let pipelineId: string;

beforeAll(async () => {
  ({ platform } = await killedPlatform());
  const { apiKey } = await platform.createTenant('Leads');
  api = await ApiClient.connect(platform.edgeUrl, apiKey);
  customerId = await create('/v1/customers', { kind: 'PERSON', displayName: 'Ada' });
  const stages = [{ key: 'new', name: 'New', kind: 'OPEN' }];
  pipelineId = await create('/v1/pipelines', { name: 'Sales', stages });
}, 300_000);

async function create(path: string, body: object): Promise<string> {
  return ((await untilKnown(path, body)) as { id: string }).id;
}

/** Users who take turns. */
function newMembers(count: number): Promise<{ userId: string }[]> {
  const user = () => ({ email: `${crypto.randomUUID()}@example.com`, displayName: 'Ada', roleIds: ['read-only'] });
  return Promise.all(Array.from({ length: count }, async () => ({ userId: await create('/v1/users', user()) })));
}

/** Repeats a request with the same key until its outcome is known. */
async function untilKnown(path: string, body: object): Promise<unknown> {
  const headers = { 'idempotency-key': crypto.randomUUID() };
  for (;;) {
    const answer = await api.send('POST', path, { headers, body }).catch(() => undefined);
    if (answer && answer.status < 300) return answer.body;
    if (answer && answer.status < 500 && ![409, 429].includes(answer.status)) throw new Error(JSON.stringify(answer));
    // The backoff of a client.
    await delay(50 + Math.random() * 100);
  }
}

/** Ends the service with SIGKILL while one of its statements waits for a lock of the table. */
async function killAt(table: string, request: () => Promise<unknown>): Promise<void> {
  const client = new pg.Client(platform.customersDatabase.superuserUrl);
  await client.connect();
  await client.query('begin');
  await client.query(`lock table ${table} in access exclusive mode`);
  const asked = request();
  const waiting = `select from pg_locks where not granted and relation = '${table}'::regclass and database = (
    select oid from pg_database where datname = current_database())`;
  const isWaiting = async () => (await queryDatabase(platform.customersDatabase.superuserUrl, waiting)).length > 0;
  await vi.waitUntil(isWaiting, polling);
  await platform.services.customers.kill();
  await client.query('rollback');
  await client.end();
  await platform.services.customers.start();
  await asked;
}

async function countOf(collection: string): Promise<number> {
  const { body } = await api.send('GET', `/v1/${collection}:aggregate`);
  return (body as { total: { count: number } }).total.count;
}

test(
  'a lead whose process is killed at a statement of its qualification gets one deal, and no new customer',
  async () => {
    await create('/v1/assignmentRules', {
      ...{ name: 'Deals', recordType: 'deal', method: 'ROUND_ROBIN' },
      members: await newMembers(2),
    });
    const customers = await countOf('customers');
    for (const table of killedAt) {
      const id = await create('/v1/leads', { customerId, company: table });
      const deal = { deal: { pipelineId } };
      const answers: unknown[] = [];
      await killAt(table, async () => answers.push(await untilKnown(`/v1/leads/${id}:qualify`, deal)));
      answers.push(await untilKnown(`/v1/leads/${id}:qualify`, deal));
      const dealIds = new Set((answers as { deal: { id: string } }[]).map((answer) => answer.deal.id));
      expect([...dealIds], table).toHaveLength(1);
    }

    expect(await countOf('deals')).toBe(killedAt.length);
    expect(await countOf('customers')).toBe(customers);
    printTally('killed qualifications', { kills: killedAt.length });
  },
  soakTimeoutMs,
);

test(
  '64 clients get owners fairly to one while the process is killed',
  async () => {
    const members = await newMembers(5);
    const rule = { name: 'Leads', recordType: 'lead', method: 'ROUND_ROBIN', filter: 'source = "kills"', members };
    const ruleId = await create('/v1/assignmentRules', rule);
    const total = clients * calls;
    const countSql = `select count(*)::int as count from assignment where rule_id = '${ruleId}'`;
    const counted = async () =>
      (await queryDatabase<{ count: number }>(platform.customersDatabase.superuserUrl, countSql))[0]?.count ?? 0;
    const client = async () => {
      for (let call = 0; call < calls; call += 1) await create('/v1/leads', { customerId, source: 'kills' });
    };
    const killing = async () => {
      for (let kill = 0; kill < kills; kill += 1) {
        await vi.waitUntil(async () => (await counted()) >= (total * (kill + 0.5)) / kills, polling);
        await platform.services.customers.kill();
        await platform.services.customers.start();
      }
    };

    await Promise.all([...Array.from({ length: clients }, client), killing()]);

    const path = `/v1/assignments:aggregate?groupBy=userId&filter=${encodeURIComponent(`ruleId = "${ruleId}"`)}`;
    const { body } = await api.send('GET', path);
    const counts = (body as { groups: { count: number }[] }).groups.map(({ count }) => count);
    printTally('killed assignments', { total, kills, counts: counts.join(' ') });
    expect(counts.reduce((sum, count) => sum + count)).toBe(total);
    expect(counts).toHaveLength(members.length);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  },
  soakTimeoutMs,
);
