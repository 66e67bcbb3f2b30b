import { createHash } from 'node:crypto';
import { sharedPlatform } from '@rapport/testing';
import type pg from 'pg';
import { beforeEach, expect, inject, test } from 'vitest';
import { untilBlocks } from '../exchange/exchange-tenant.ts';
import { FlowTenant } from './flow-tenant.ts';

let flows: FlowTenant;
/** Holds up what has read the state of a flow, and has not started a run yet. */
let holding: pg.Client;

beforeEach(async () => {
  flows = await FlowTenant.create(await sharedPlatform(inject('platformUrl')));
  holding = await flows.api.connect();
  return () => holding.end();
});

const hold = (name: string) => holding.query('select pg_advisory_lock(hashtextextended($1, 0))', [name]);
const release = () => holding.query('select pg_advisory_unlock_all()');

/** @returns the runs that the flow has when the call that pauses it is answered */
async function pause(flowId: string): Promise<number> {
  await flows.api.ok('POST', `/v1/flows/${flowId}:pause`);
  return runsOf(flowId);
}

async function runsOf(flowId: string): Promise<number> {
  const [row] = await flows.api.query<{ runs: number }>(
    'select count(*)::int as runs from flow_run where tenant_id = $1 and flow_id = $2',
    [flows.tenantId, flowId],
  );
  return row?.runs ?? 0;
}

/** Waits until another session waits for one that is held up. */
async function untilHeldBlocks(): Promise<void> {
  const blocked = `select from pg_locks where not granted and exists (
    select from unnest(pg_blocking_pids(pid)) held (pid) where pg_backend_pid() = any (pg_blocking_pids(held.pid)))`;
  await expect.poll(async () => (await holding.query(blocked)).rowCount).toBeGreaterThan(0);
}

test('a call that came before a flow was paused starts no run after it', async () => {
  const flowId = await flows.publish({ trigger: { webhook: {} } });
  const { token } = await flows.api.ok<{ token: string }>('POST', `/v1/flows/${flowId}:rotateHook`);
  await hold(`flow_hook ${flowId} ${createHash('sha256').update('a').digest('hex')}`);
  const called = flows.api.send('POST', `/v1/flowHooks/${token}`, {}, { 'idempotency-key': 'a' });
  await untilBlocks(holding);
  expect(await pause(flowId)).toBe(0);
  await release();

  expect(await called).toEqual({ status: 202, body: { reason: 'PAUSED' } });
  expect(await runsOf(flowId)).toBe(0);
});

test('the answer to a call that pauses a flow comes after the runs that a change starts meanwhile', async () => {
  const flowId = await flows.publish({ trigger: { record: { type: 'customer', operations: ['CREATE'] } } });
  await hold(`flow_bulk ${flowId}`);
  await flows.api.createCustomer('Ada');
  await untilBlocks(holding);
  const paused = pause(flowId);
  await Promise.race([paused, untilHeldBlocks()]);
  await release();

  const runs = await paused;
  await expect.poll(() => flows.decisions(flowId), { timeout: 30_000 }).toHaveLength(1);
  expect(await runsOf(flowId)).toBe(runs);
});
