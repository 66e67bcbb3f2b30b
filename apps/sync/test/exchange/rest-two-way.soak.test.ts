import { printedSeed, sharedPlatform, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { afterEach, expect, inject, test } from 'vitest';
import { ExchangeTenant } from './exchange-tenant.ts';
import { ownPeople, type People } from './rest-people.ts';
import { Random } from './two-way/random.ts';

const count = sizeOf('REST_PEOPLE', { short: 12, long: 1_000 });
const rounds = sizeOf('REST_ROUNDS', { short: 3, long: 20 });
const editsPerRound = sizeOf('REST_EDITS', { short: 6, long: 60 });

let people: People;
afterEach(() => people.stop());

test(
  'customers and the people of a service stay equal while both are edited, and nobody is there twice',
  { timeout: soakTimeoutMs },
  async () => {
    people = await ownPeople();
    const random = new Random(printedSeed('rest-two-way'));
    const tenant = await ExchangeTenant.create(await sharedPlatform(inject('platformUrl')));
    const connection = await tenant.connect('rest', people.settings, people.secrets);
    await tenant.api.ok('POST', `/v1/connections/${connection}:check`, {});
    for (let index = 0; index < count; index += 1) {
      if (index % 2 === 0) await people.add(`Person ${index}`);
      else await tenant.api.createCustomer(`Person ${index}`);
    }
    const mapping = await tenant.map(connection, {
      recordType: 'people',
      fields: [
        { customerField: 'displayName', peerField: 'name' },
        { customerField: 'jobTitle', peerField: 'title' },
      ],
    });
    await tenant.untilEqual(mapping, count);

    for (let round = 1; round <= rounds; round += 1) {
      const customers = [...(await tenant.customers()).values()];
      const edited = new Set<unknown>();
      while (edited.size < editsPerRound) {
        const customer = random.of(customers);
        if (!customer || edited.has(customer['displayName'])) continue;
        edited.add(customer['displayName']);
        const title = `Title ${round}.${edited.size}`;
        if (random.below(2) === 0) await tenant.api.updateCustomer(customer.id, { jobTitle: title });
        else await people.edit(String(customer['displayName']), title);
      }
      await people.add(`Late ${round}`);
      await tenant.run(mapping);
      await tenant.untilEqual(mapping, count + round);
    }

    const byName = (one: string[], other: string[]) => ((one[0] ?? '') < (other[0] ?? '') ? -1 : 1);
    const customers = [...(await tenant.customers()).values()];
    const ours = customers.map(({ displayName, jobTitle }) => [displayName, jobTitle ?? ''].map(String)).sort(byName);
    expect((await people.all()).sort(byName)).toEqual(ours);
    expect(new Set(ours.map(([name]) => name)).size).toBe(count + rounds);
    expect(await tenant.conflicts(mapping)).toEqual([]);
  },
);
