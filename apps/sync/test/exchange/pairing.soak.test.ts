import { isSoak, printedSeed, printTally, sharedPlatform, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { expect, inject, test } from 'vitest';
import { ExchangeTenant, type Conflict } from './exchange-tenant.ts';
import { judge } from './pairing/judge.ts';
import { PersonTable } from './pairing/person-table.ts';
import { sharesAddress, twoSystems } from './pairing/two-systems.ts';

const persons = sizeOf('PAIRING_PERSONS', { short: 40, long: 2_000 });

test(
  'people with typing errors, moved addresses and doubles on both sides: no pair is wrong, and nobody comes to be there twice',
  async () => {
    const platform = await sharedPlatform(inject('platformUrl'));
    const tenant = await ExchangeTenant.create(platform);
    const systems = twoSystems(printedSeed('pairing'), persons);
    const table = await PersonTable.create(tenant, systems.records);
    const customers = await table.createCustomers(systems.customers);
    const before = { customers: customers.size, records: systems.records.length };
    const mapping = await table.map();
    const backfilled = async () => (await tenant.mapping(mapping))['isBackfilled'];
    await expect.poll(backfilled, { timeout: soakTimeoutMs, interval: 500 }).toBe(true);

    const links = await tenant.api.query<{ customer_id: string | null; record_id: string | null }>(
      'select customer_id, record_id from sync_link where mapping_id = $1',
      [mapping],
    );
    const outcome = judge(systems, customers, links);
    const conflicts = await tenant.conflicts(mapping);
    const questions = conflicts.filter(({ kind }) => kind === 'PAIRING').length;
    printTally('pairing', { ...before, ...outcome, questions });
    expect(outcome.wrongPairs).toBe(0);
    expect(outcome.doubles).toBe(0);
    const paired = new Set(links.flatMap((link) => (link.customer_id === null ? [] : [link.record_id])));
    expect(systems.certain.filter(({ id }) => !paired.has(id))).toEqual([]);
    // Two records of a person without a customer can have one address: the second gets no customer, which would be a duplicate.
    const others = conflicts.filter(({ kind }) => !['PAIRING', 'FIELDS'].includes(kind));
    const isTwice = ({ kind, recordId }: Conflict) => kind === 'VALUE_TAKEN' && sharesAddress(systems, recordId);
    expect(others.filter((conflict) => !isTwice(conflict))).toEqual([]);

    // All that is left is of another person: nothing comes to be by that but the questions.
    const now = async () => [await table.count(), (await tenant.customers()).size];
    const counted = await now();
    await tenant.api.ok('DELETE', `/v1/mappings/${mapping}`);
    const again = await table.map();
    await expect
      .poll(async () => (await tenant.mapping(again))['isBackfilled'], { timeout: soakTimeoutMs, interval: 500 })
      .toBe(true);
    expect(await now()).toEqual(counted);
    for (const { counts } of await tenant.runs(again)) {
      const { seen: _seen, conflicts: _conflicts, issues: _issues, ...changes } = counts;
      expect(Object.values(changes).every((count) => count === 0)).toBe(true);
    }
  },
  isSoak ? soakTimeoutMs : 120_000,
);
