import { printTally, sharedPlatform, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { expect, inject, test } from 'vitest';
import { mostInProgress } from './bulk-runs.ts';
import { FlowTenant } from './flow-tenant.ts';

const customers = sizeOf('BULK_CUSTOMERS', { short: 40, long: 20_000 });
const bulk = sizeOf('BULK_LIMIT', { short: 5, long: 100 });

/** Changes of the other tenant while the import is under way. */
const others = 10;

const steps = [{ key: 'note', set: { variables: [{ name: 'id', value: 'record.id' }] } }];
const definition = { trigger: { record: { type: 'customer', operations: ['CREATE'] } }, steps };

interface Backfill {
  state: string;
  total: number;
  started: number;
  succeeded: number;
  failed: number;
  suppressed: number;
}

/** Rows per file. A file of which the database takes too long, on a busy machine, is sent again. */
const fileRows = 1_000;

/** @returns the number of customers */
async function importCustomers(flows: FlowTenant): Promise<number> {
  for (let start = 0; start < customers; start += fileRows) {
    const names = Array.from({ length: Math.min(fileRows, customers - start) }, (_, row) => `Ada ${start + row}`);
    const send = () =>
      fetch(`${flows.api.platform.edgeUrl}/v1/customers:import`, {
        method: 'POST',
        headers: { authorization: `Bearer ${flows.api.apiKey}`, 'content-type': 'text/csv' },
        body: `name\n${names.join('\n')}\n`,
      }).then((answer) => answer.status);
    await expect.poll(send, { timeout: soakTimeoutMs }).toBe(200);
  }
  const count = 'select count(*)::int as number from customer where tenant_id = $1';
  const [row] = await flows.api.query<{ number: number }>(count, [flows.tenantId], 'customers');
  return row?.number ?? 0;
}

async function ended(flows: FlowTenant, flowId: string): Promise<number> {
  const [row] = await flows.api.query<{ runs: number }>(
    `select count(*)::int as runs from flow_run where flow_id = $1 and state = 'SUCCEEDED'`,
    [flowId],
  );
  return row?.runs ?? 0;
}

test(
  'each change of a large import starts one run, in order and never more at once than the limit, and delays no other tenant',
  { timeout: soakTimeoutMs },
  async () => {
    const platform = await sharedPlatform(inject('platformUrl'));
    const flows = await FlowTenant.create(platform);
    const neighbour = await FlowTenant.create(platform);
    const limited = await flows.publish({ ...definition, limits: { bulk } });
    const free = await neighbour.publish(definition);
    const began = performance.now();
    const created = await importCustomers(flows);
    const imported = performance.now();

    const delaysMs: number[] = [];
    for (let other = 0; other < others; other++) {
      const start = performance.now();
      await neighbour.api.createCustomer('Bob');
      const isDone = async () => (await ended(neighbour, free)) === other + 1;
      await expect.poll(isDone, { timeout: soakTimeoutMs, interval: 20 }).toBe(true);
      delaysMs.push(Math.round(performance.now() - start));
    }
    await expect.poll(() => ended(flows, limited), { timeout: soakTimeoutMs, interval: 200 }).toBe(created);
    const seconds = Math.round((performance.now() - began) / 1_000);

    expect(await flows.counts(limited)).toMatchObject([{ started: created, suppressed: 0 }]);
    const backfills = async () =>
      (await flows.api.ok<{ flowBackfills: Backfill[] }>('GET', `/v1/flowBackfills?flowId=${limited}`)).flowBackfills;
    const running = async () => (await backfills()).filter(({ state }) => state !== 'SUCCEEDED');
    await expect.poll(running, { timeout: soakTimeoutMs }).toEqual([]);
    for (const each of await backfills()) {
      const { total } = each;
      expect(each).toMatchObject({ started: total, succeeded: total, failed: 0, suppressed: 0 });
    }
    const [row] = await flows.api.query<{ runs: number; changes: number; held: number; late: number }>(
      `with runs as (
         select cause_change_id, backfill_id, start_time, number,
           max(start_time) over (order by number rows between unbounded preceding and $2 preceding) as earlier
         from flow_run join flow_change on flow_change.tenant_id = flow_run.tenant_id and change_id = cause_change_id::uuid
         where flow_id = $1)
       select count(*)::int as runs, count(distinct cause_change_id)::int as changes,
         count(backfill_id)::int as held, count(*) filter (where start_time < earlier)::int as late from runs`,
      [limited, bulk],
    );
    // Runs begin in the order of the changes, as many together as the limit allows.
    expect(row).toMatchObject({ runs: created, changes: created, late: 0 });
    const most = await mostInProgress(flows.api, limited);
    expect(most).toBeLessThanOrEqual(bulk);
    printTally('flow-bulk', {
      ...{
        customers: created,
        bulk,
        held: row?.held ?? 0,
        most,
        seconds,
        importSeconds: Math.round((imported - began) / 1_000),
      },
      neighbourMs: delaysMs.toSorted((one, other) => one - other).join(' '),
    });
  },
);
