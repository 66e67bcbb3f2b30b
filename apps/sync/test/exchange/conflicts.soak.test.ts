import { isSoak, printTally, sharedPlatform, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { expect, inject, test, vi } from 'vitest';
import { ExchangeTenant, type Run } from './exchange-tenant.ts';
import { PeopleTable } from './people-table.ts';

/** More than a page of them in either form. */
const records = sizeOf('REJECTED_RECORDS', { short: 105, long: 2_500 });
/** Customers that are created at a time. */
const batchSize = 100;

test(
  'all rejected pairs are resolved in one call, which counts them while it is under way',
  async () => {
    const tenant = await ExchangeTenant.create(await sharedPlatform(inject('platformUrl')));
    const people = await PeopleTable.create(tenant);
    await people.database.run(`ALTER TABLE people ADD CONSTRAINT nobody CHECK (name = '')`);
    for (let start = 0; start < records; start += batchSize) {
      const items = Array.from({ length: Math.min(batchSize, records - start) }, (_, index) => ({
        customer: { kind: 'PERSON', displayName: `Person ${start + index}` },
      }));
      await tenant.api.ok('POST', '/v1/customers:batchCreate', { items, mode: 'ATOMIC' });
    }
    const mapping = await people.map({ direction: 'TO_PEER' });
    const rejected = async () => (await tenant.conflicts(mapping)).filter(({ kind }) => kind === 'REJECTED').length;
    await expect.poll(rejected, { timeout: soakTimeoutMs, interval: 500 }).toBe(records);

    const unfit = await resolve(tenant, mapping, { kind: 'REJECTED', choice: 'PEER' });
    expect(unfit.run).toMatchObject({ state: 'SUCCEEDED', resolution: { resolved: 0, skipped: records } });
    await people.database.run('ALTER TABLE people DROP CONSTRAINT nobody');
    const retried = await resolve(tenant, mapping, { kind: 'REJECTED', choice: 'RETRY' });
    expect(retried.run).toMatchObject({
      ...{ state: 'SUCCEEDED', resolution: { resolved: records, skipped: 0 }, counts: { recordsCreated: records } },
    });
    expect(retried.counts).toEqual(retried.counts.toSorted((one, other) => one - other));
    if (isSoak) expect(new Set(retried.counts).size).toBeGreaterThan(2);

    expect(await tenant.conflicts(mapping)).toEqual([]);
    const names = (await people.titles()).map(([name]) => name);
    expect(names).toHaveLength(records);
    expect(new Set(names).size).toBe(records);
    printTally('rejected pairs', { records, 'counts that were seen': new Set(retried.counts).size });
  },
  soakTimeoutMs,
);

/** One call, and its progress whenever the run was read. */
async function resolve(
  tenant: ExchangeTenant,
  mapping: string,
  resolution: object,
): Promise<{ run: Run; counts: number[] }> {
  const counts: number[] = [];
  const { id } = await tenant.api.ok<Run>('POST', `/v1/mappings/${mapping}:resolveConflicts`, { ...resolution });
  const ended = async () => {
    const run = await tenant.api.ok<Run>('GET', `/v1/syncRuns/${id}`);
    counts.push(run.resolution?.['resolved'] ?? 0);
    return ['SUCCEEDED', 'FAILED'].includes(run.state) ? run : undefined;
  };
  const run = await vi.waitUntil(ended, { timeout: soakTimeoutMs, interval: 50 });
  return { run, counts };
}
