import { randomUUID } from 'node:crypto';
import { createOrm, pipeline, settingStatement, withConnection } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { entities } from '../../src/database.ts';
import { numberChanges, recordDecisions, type NumberedChange } from '../../src/flows/triggers/decision-ledger.ts';
import { createSyncDatabase } from '../sync-databases.ts';

let orm: ReturnType<typeof createOrm>;

beforeAll(async () => {
  const { appUrl } = await createSyncDatabase();
  orm = createOrm({ databaseUrl: appUrl, entities });
});
afterAll(async () => orm.close());

const change = () => ({
  ...{ id: randomUUID(), type: 'customer', recordId: randomUUID(), operation: 'UPDATE', changedFields: ['tags'] },
  ...{ time: new Date().toISOString(), actor: 'user:1', causationId: undefined, hop: 0 },
});

function inTenant<Answer>(tenantId: string, work: (client: ClientBase) => Promise<Answer>): Promise<Answer> {
  return withConnection(orm.em.fork(), async (client) => {
    await pipeline(client, [{ sql: 'begin' }, settingStatement({ 'app.tenant_id': tenantId })]);
    const answer = await work(client);
    await client.query('commit');
    return answer;
  });
}

const ranges = (tenantId: string) =>
  inTenant(tenantId, async (client) => {
    const { rows } = await client.query<object>(
      `select version, from_number::int as from, to_number::int as to, started, suppressed, not_matched as "notMatched"
       from flow_decided where tenant_id = $1 order by version, from_number`,
      [tenantId],
    );
    return rows;
  });

test('changes are numbered in order without gaps, and once however often they are read', async () => {
  const [tenantId, other] = [randomUUID(), randomUUID()];
  const changes = [change(), change(), change()];

  await inTenant(other, (client) => numberChanges(client, other, changes));
  const first = await inTenant(tenantId, (client) => numberChanges(client, tenantId, changes.slice(0, 2)));
  const again = await inTenant(tenantId, (client) => numberChanges(client, tenantId, changes));

  const numbers = (all: NumberedChange[]) => all.map(({ id, number }) => [id, number]);
  expect(numbers(first)).toEqual([
    [changes[0]?.id, 1],
    [changes[1]?.id, 2],
  ]);
  expect(numbers(again)).toEqual([[changes[2]?.id, 3]]);
});

test('the range of a version grows while it is active, and another one begins when it is again', async () => {
  const [tenantId, flowId] = [randomUUID(), randomUUID()];
  const take = (versions: number[], started = 0) =>
    inTenant(tenantId, async (client) => {
      const changes = await numberChanges(client, tenantId, [change(), change()]);
      const decisions = changes.slice(0, started).map((each) => ({
        ...{ flowId, version: 1, change: each, recordType: 'customer', outcome: 'STARTED' as const },
        runId: randomUUID(),
      }));
      const own = versions.map((version) => ({ flowId, version }));
      await recordDecisions(client, tenantId, { changes, decisions, versions: own });
    });

  await take([1], 1);
  await take([1, 2], 2);
  await take([2]);
  await take([1]);

  expect(await ranges(tenantId)).toEqual([
    { version: 1, from: 1, to: 4, started: 3, suppressed: 0, notMatched: 1 },
    { version: 1, from: 7, to: 8, started: 0, suppressed: 0, notMatched: 2 },
    { version: 2, from: 3, to: 6, started: 0, suppressed: 0, notMatched: 4 },
  ]);
});
