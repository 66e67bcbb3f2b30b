import { isSoak, printTally, sizeOf, soakTimeoutMs, type Platform } from '@rapport/testing';
import { expect, test } from 'vitest';
import { peakMemory } from '../peak-memory.ts';
import { ExchangeTenant } from './exchange-tenant.ts';
import { PeopleTable } from './people-table.ts';

/** What a pod may take: `resources.limits.memory` of k8s/base. */
const maxMemory = 512 * 1024 * 1024;

/** @param current gives a platform whose sync has done nothing else yet */
export function declareLargeTable(current: () => Platform): void {
  const name = 'a table of any size is read and compared without being held in memory';
  test(name, { timeout: isSoak ? soakTimeoutMs : 120_000 }, async () => {
    const platform = current();
    // More than a run forgets at a time, in either form.
    const records = sizeOf('LARGE_TABLE_RECORDS', { short: 5_200, long: 10_000_000 });
    // Each of these costs the peer a question of its own.
    const compared = sizeOf('LARGE_TABLE_COMPARED', { short: 60, long: 50_000 });
    const tenant = await ExchangeTenant.create(platform);
    const people = await PeopleTable.create(tenant);
    await people.database.run(`INSERT INTO people (name) SELECT 'Person ' || i FROM generate_series(1, ${records}) i`);

    // Nothing follows from the records: it is only a matter of reading them.
    const mapping = await people.map({ direction: 'TO_PEER' });
    const run = async () => (await tenant.runs(mapping)).at(-1);
    await expect.poll(async () => (await run())?.state, { timeout: soakTimeoutMs, interval: 500 }).toBe('SUCCEEDED');
    expect((await run())?.counts['seen']).toBe(records);
    await people.database.run(`DELETE FROM people WHERE id > ${compared}`);
    expect((await tenant.compare(mapping)).comparison).toMatchObject({ onlyRecords: compared });

    const kept = await tenant.api.query<{ count: number }>('select count(*)::int as count from sync_run_record');
    expect(kept).toEqual([{ count: 0 }]);
    const peak = await peakMemory(platform.services.sync);
    printTally('large tables', { records, compared, 'peak of sync in MiB': Math.round(peak / 1024 / 1024) });
    expect(peak).toBeLessThan(maxMemory);
  });
}
