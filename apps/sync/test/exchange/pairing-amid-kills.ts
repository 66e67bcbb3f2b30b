import { isSoak, printedSeed, printTally, sizeOf, soakTimeoutMs, type Platform } from '@rapport/testing';
import { expect, test } from 'vitest';
import { ExchangeTenant } from './exchange-tenant.ts';
import { judge } from './pairing/judge.ts';
import { PersonTable } from './pairing/person-table.ts';
import { twoSystems } from './pairing/two-systems.ts';
import { Random } from './two-way/random.ts';

const persons = sizeOf('PAIRING_KILL_PERSONS', { short: 30, long: 1_000 });
const kills = sizeOf('PAIRING_KILLS', { short: 1, long: 20 });

/** @param current gives the platform whose sync is killed */
export function declarePairingAmidKills(current: () => Platform): void {
  const name = 'kill -9 of sync amid the first exchange pairs, asks and creates what a dry run has said before';
  test(name, { timeout: isSoak ? soakTimeoutMs : 120_000 }, async () => {
    const platform = current();
    const seed = printedSeed('pairing with kills');
    const tenant = await ExchangeTenant.create(platform);
    const systems = twoSystems(seed, persons);
    const table = await PersonTable.create(tenant, systems.records);
    const customers = await table.createCustomers(systems.customers);
    const mapping = await table.map({ state: 'PAUSED' });
    const dry = await tenant.run(mapping, { kind: 'PAIR', dryRun: true });
    const { pairs = 0, questions, onlyCustomers = 0, onlyRecords = 0 } = dry.pairing ?? {};

    await tenant.api.ok('PATCH', `/v1/mappings/${mapping}`, { state: 'ENABLED' });
    const count = async (sql: string) => (await tenant.api.query<{ count: number }>(sql, [mapping]))[0]?.count ?? 0;
    const found = () =>
      count(`select count(*)::int as count from sync_match join sync_run run on run.id = run_id
      where run.mapping_id = $1 and not dry_run`);
    const linked = () => count('select count(*)::int as count from sync_link where mapping_id = $1');
    // Sync may be down.
    const isBackfilled = async () =>
      (await tenant.api.send('GET', `/v1/mappings/${mapping}`)).body['isBackfilled'] === true;
    // Before anything is found, while it is, while links are made of it, and while the rest is exchanged.
    const random = new Random(seed);
    const all = pairs + onlyCustomers + onlyRecords;
    let killed = 0;
    for (; killed < kills && !(await isBackfilled()); killed += 1) {
      const [until, place] = killed % 2 === 0 ? [found, random.below(customers.size)] : [linked, random.below(all)];
      await expect
        .poll(async () => (await until()) >= place || (await isBackfilled()), { timeout: soakTimeoutMs, interval: 20 })
        .toBe(true);
      await platform.services.sync.kill();
      await tenant.endHeartbeats();
      await platform.services.sync.start();
    }
    await expect.poll(isBackfilled, { timeout: soakTimeoutMs, interval: 200 }).toBe(true);
    await tenant.untilEqual(mapping);

    const links = await tenant.api.query<{ customer_id: string | null; record_id: string | null }>(
      'select customer_id, record_id from sync_link where mapping_id = $1',
      [mapping],
    );
    const outcome = judge(systems, customers, links);
    printTally('pairing with kills', { kills: killed, ...outcome });
    expect(outcome).toMatchObject({ pairs, wrongPairs: 0, doubles: 0 });
    expect((await tenant.conflicts(mapping)).filter(({ kind }) => kind === 'PAIRING')).toHaveLength(questions ?? -1);
    expect([await table.count(), (await tenant.customers()).size]).toEqual([
      ...[systems.records.length + onlyCustomers, customers.size + onlyRecords],
    ]);
  });
}
