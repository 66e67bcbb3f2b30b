import { printTally, sizeOf, soakTimeoutMs, type Platform } from '@rapport/testing';
import { expect, test } from 'vitest';
import { stuckRuns } from '../engine/flow-invariants.ts';
import { FlowTenant } from '../flow-tenant.ts';

const flowCount = sizeOf('DECIDED_FLOWS', { short: 6, long: 30 });
const customers = sizeOf('DECIDED_CUSTOMERS', { short: 4, long: 20 });
const writes = sizeOf('DECIDED_WRITES', { short: 40, long: 3_000 });
const kills = sizeOf('DECIDED_KILLS', { short: 1, long: 30 });
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));

let state = seed;
function random(below: number): number {
  state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
  return (state >>> 8) % below;
}

const pick = <Item>(...items: Item[]): Item => items[random(items.length)] as Item;

interface Trigger {
  type: string;
  operations?: string[];
  changedFields?: string[];
  filter?: string;
  beforeFilter?: string;
}

interface RandomFlow {
  trigger: Trigger;
  condition?: string;
  limits?: { bulk: number };
}

function randomFlow(): RandomFlow {
  const operations = ['CREATE', 'UPDATE', 'DELETE', 'UNDELETE'].filter(() => random(2) === 0);
  const fields = ['jobTitle', 'tags'].filter(() => random(2) === 0);
  return {
    trigger: {
      type: random(8) === 0 ? 'deal' : 'customer',
      operations,
      ...(random(2) === 0 && { changedFields: fields }),
      ...(random(3) === 0 && { filter: 'tags:vip' }),
      ...(random(4) === 0 && { beforeFilter: 'tags:vip' }),
    },
    ...(random(3) === 0 && { condition: "record.jobTitle == 'CFO'" }),
    ...(random(2) === 0 && { limits: { bulk: 1 } }),
  };
}

interface LogEntry {
  id: string;
  type: string;
  recordId: string;
  operation: string;
  changedFields?: string[];
  before?: Record<string, unknown>;
  after?: Record<string, unknown>;
}

type Customer = Record<string, unknown> | undefined;

/** A record before and after a change, by the log alone. */
interface Around {
  before: Customer;
  after: Customer;
}

/** What each flow has to say of a change, by a second reading of its definition. */
function expectedReason(flow: RandomFlow, change: LogEntry, around: Around): string {
  const { type, operations = [], changedFields = [] } = flow.trigger;
  if (type !== change.type) return 'TYPE';
  if (operations.length > 0 && !operations.includes(change.operation)) return 'OPERATION';
  const isUpdate = change.operation === 'UPDATE' && changedFields.length > 0;
  if (isUpdate && !changedFields.some((field) => change.changedFields?.includes(field))) return 'FIELDS';
  return expectedOfValues(flow, around);
}

function expectedOfValues({ trigger, condition }: RandomFlow, { before, after }: Around): string {
  const isVip = (customer: Customer) => (customer?.['tags'] as string[] | undefined)?.includes('vip') === true;
  if (trigger.filter && !isVip(after)) return 'FILTER';
  if (trigger.beforeFilter && !isVip(before)) return 'BEFORE_FILTER';
  if (condition && (after ?? before)?.['jobTitle'] !== 'CFO') return 'CONDITION';
  return 'STARTED';
}

/** The records around each change of the log. */
function replay(changes: readonly LogEntry[]): Map<string, Around> {
  const kept = new Map<string, { values: Record<string, unknown>; isDeleted: boolean }>();
  const around = new Map<string, Around>();
  for (const { id, recordId, operation, after = {} } of changes) {
    const known = kept.get(recordId);
    const values = { ...known?.values, ...after };
    const isDeleted = operation === 'DELETE' || operation === 'MERGE';
    const visible = (each: typeof known) => (each && !each.isDeleted ? each.values : undefined);
    around.set(id, { before: visible(known), after: isDeleted ? undefined : values });
    kept.set(recordId, { values, isDeleted });
  }
  return around;
}

/** @param current gives the platform whose sync is killed */
export function declareFlowsAmidKills(current: () => Platform): void {
  test(
    'kill -9 of sync amid changes: each version decides about each change once, and explain says the same',
    { timeout: soakTimeoutMs },
    async () => {
      const platform = current();
      const flows = await FlowTenant.create(platform);
      const definitions = new Map<string, RandomFlow>();
      for (let flow = 0; flow < flowCount; flow++) {
        const definition = randomFlow();
        const { trigger: record, ...more } = definition;
        definitions.set(await flows.publish({ trigger: { record }, ...more }), definition);
      }
      const start = (await flows.changes()).cursor;
      let isWritten = false;
      const writing = writeAll(flows).finally(() => (isWritten = true));
      const decided = async () => {
        const [row] = await flows.api.query<{ number: number }>(
          'select last_number::int as number from flow_change_number where tenant_id = $1',
          [flows.tenantId],
        );
        return row?.number ?? 0;
      };
      for (let kill = 0; kill < kills; kill++) {
        // The rest is written while sync is away, and after that.
        const enough = (await decided()) + Math.ceil(writes / (8 * kills));
        const isEnough = async () => isWritten || (await decided()) >= enough;
        await expect.poll(isEnough, { timeout: soakTimeoutMs, interval: 20 }).toBe(true);
        await platform.services.sync.kill();
        await platform.services.sync.start();
      }
      const last = await writing;
      const log = async () => (await flows.changes(start)).changes as LogEntry[];
      // The log has a change a moment after its write is acknowledged.
      await expect.poll(async () => (await log()).at(-1)?.recordId).toBe(last);
      const changes = await log();
      await expect.poll(decided, { timeout: soakTimeoutMs }).toBe(changes.length);

      const ranges = await flows.api.query<{ flow_id: string; from: number; to: number; sum: number; started: number }>(
        `select flow_id, from_number::int as from, to_number::int as to, started, started + suppressed + not_matched as sum
         from flow_decided where tenant_id = $1`,
        [flows.tenantId],
      );
      expect(ranges.map(({ from, to, sum }) => [from, to, sum])).toEqual(
        Array.from({ length: flowCount }, () => [1, changes.length, changes.length]),
      );
      const around = replay(changes);
      const started = new Map<string, number>();
      for (const change of changes) {
        const said = await flows.explain(change.id);
        const found = Object.fromEntries(said.map(({ flowId, reason, outcome }) => [flowId, reason ?? outcome]));
        const known = around.get(change.id) ?? { before: undefined, after: undefined };
        const expected = [...definitions].map(([id, flow]) => [id, expectedReason(flow, change, known)] as const);
        expect(found, `seed ${seed}: ${JSON.stringify(change)}`).toEqual(Object.fromEntries(expected));
        for (const [id, reason] of expected) {
          if (reason === 'STARTED') started.set(id, (started.get(id) ?? 0) + 1);
        }
      }
      const runs = await flows.api.query<{ flow_id: string; count: number; changes: number }>(
        `select flow_id, count(*)::int as count, count(distinct cause_change_id)::int as changes
         from flow_run where tenant_id = $1 group by flow_id`,
        [flows.tenantId],
      );
      expect(new Map(runs.map(({ flow_id: id, count }) => [id, count]))).toEqual(started);
      expect(runs.every(({ count, changes: causes }) => count === causes)).toBe(true);
      // As if the leases of the killed processes had ended, which takes a minute.
      const release = 'update flow_job set due_time = now() where tenant_id = $1 and claim_id is not null';
      await flows.api.query(release, [flows.tenantId]);
      const held = 'select from flow_job where tenant_id = $1 and held_number is not null';
      await expect.poll(() => flows.api.query(held, [flows.tenantId]), { timeout: soakTimeoutMs }).toEqual([]);
      const faults = await flows.api.query<{ fault: string }>(stuckRuns);
      const runsOfTenant = 'select id from flow_run where tenant_id = $1';
      const own = (await flows.api.query<{ id: string }>(runsOfTenant, [flows.tenantId])).map(({ id }) => id);
      expect(faults.filter(({ fault }) => own.some((id) => fault.startsWith(id)))).toEqual([]);
      const [backfilled] = await flows.api.query<{ runs: number; started: number; open: number }>(
        `select (select count(*)::int from flow_run where tenant_id = $1 and backfill_id is not null) as runs,
           coalesce(sum(started), 0)::int as started, coalesce(sum(waiting), 0)::int as open
         from flow_backfill where tenant_id = $1`,
        [flows.tenantId],
      );
      expect(backfilled).toEqual({ runs: backfilled?.started, started: backfilled?.started, open: 0 });
      const total = [...started.values()].reduce((sum, count) => sum + count, 0);
      printTally('flow-decisions', {
        ...{
          seed,
          flows: flowCount,
          changes: changes.length,
          kills,
          started: total,
          backfilled: backfilled?.runs ?? 0,
        },
        notMatched: flowCount * changes.length - total,
      });
    },
  );
}

/** @returns the id of the record that is written last */
async function writeAll(flows: FlowTenant): Promise<string> {
  const ids: string[] = [];
  for (let customer = 0; customer < customers; customer++) {
    ids.push(await flows.api.createCustomer(`Ada ${customer}`, random(2) === 0 ? { tags: ['vip'] } : {}));
  }
  const deleted = new Set<string>();
  for (let write = 0; write < writes; write++) {
    const id = pick(...ids);
    const path = `/v1/customers/${id}`;
    if (deleted.delete(id)) await flows.api.ok('POST', `${path}:undelete`);
    else if (random(8) === 0) {
      await flows.api.ok('DELETE', path);
      deleted.add(id);
    } else {
      const tags = pick([], ['vip'], ['vip', 'old']);
      await flows.api.updateCustomer(
        id,
        pick<object>({ tags }, { jobTitle: pick('CFO', 'CTO') }, { source: pick('a', 'b') }) as never,
      );
    }
  }
  return flows.api.createCustomer('Last');
}
