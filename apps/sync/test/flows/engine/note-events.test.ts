import { afterAll, beforeAll, expect, test } from 'vitest';
import { v7 as uuidv7 } from 'uuid';
import { eventStatements } from '../../../src/flows/runs/note-events.js';
import { FlowEngine } from './flow-engine.ts';

interface PlanNode {
  'Relation Name'?: string;
  'Actual Rows'?: number;
  'Actual Loops'?: number;
  'Rows Removed by Filter'?: number;
  Plans?: PlanNode[];
}

let engine: FlowEngine;

beforeAll(async () => {
  engine = await FlowEngine.start();
});
afterAll(() => engine.stop());

/** Rows that a plan has read from tables. */
function rowsRead(node: PlanNode): number {
  const each = (node['Actual Rows'] ?? 0) + (node['Rows Removed by Filter'] ?? 0);
  const own = node['Relation Name'] === undefined ? 0 : each * (node['Actual Loops'] ?? 1);
  return (node.Plans ?? []).reduce((sum, part) => sum + rowsRead(part), own);
}

test('1,000 events read no more than their runs, also while the tables have no statistics', async () => {
  const { tenantId } = engine;
  for (const table of ['flow_run', 'flow_event', 'flow_job']) {
    await engine.query(`alter table ${table} set (autovacuum_enabled = false)`);
  }
  const ids = Array.from({ length: 20_000 }, () => uuidv7());
  await engine.query(
    `with runs as (
       insert into flow_run (tenant_id, id, flow_id, version, state, principal_id, cause_kind, cause_principal_id, cause_time,
         hop, chain, sealed_start, sealed_state, start_time, max_time)
       select $1, id, $1, 1, 'WAITING', 'user:1', 'MANUAL', 'user:1', now(), 0, '[]', '', '', now(), now()
       from unnest($2::uuid[]) id),
     jobs as (
       insert into flow_job (run_id, tenant_id, flow_id, due_time) select id, $1, $1, now() from unnest($2::uuid[]) id)
     insert into flow_event (tenant_id, run_id, target, event_key, event_id, event_time, sealed_data)
     select $1, id, 'heard', 'paid', 'old', now(), '' from unnest($2::uuid[]) id`,
    [tenantId, ids],
  );
  const event = { ...{ tenantId, target: 'heard', eventKey: 'paid', eventId: 'new' }, time: new Date().toISOString() };
  const events = ids.slice(0, 1_000).map((runId) => ({ ...event, runId, data: {} }));
  const statements = eventStatements(engine.parts.envelope, events) ?? [];

  const read = await engine.transaction(async (client) => {
    const counts: number[] = [];
    for (const { sql, values = [] } of statements) {
      const { rows } = await client.query<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(
        `explain (analyze, format json) ${sql}`,
        [...values],
      );
      counts.push(rowsRead(rows[0]!['QUERY PLAN'][0]!.Plan));
    }
    return counts;
  });
  // Each event reads its job, its run and the events that the run has.
  expect(read).toHaveLength(3);
  expect(Math.max(...read)).toBeLessThanOrEqual(3_000);
  const noted = await engine.query(`select from flow_event where tenant_id = $1 and event_id = 'new'`, [tenantId]);
  expect(noted).toHaveLength(1_000);
});
