import { sizeOf, soakTimeoutMs } from '@rapport/testing';
import { expect, test } from 'vitest';
import { referringModules } from './referring-modules.js';

const { service, ReferringTenant } = await referringModules();

const rounds = sizeOf('REFERRING_RACE_ROUNDS', { short: 5, long: 1_000 });
/** Of each tenant, all of whose records are read after each round. */
const roundsOfTenant = 25;

test.each([
  ['plain', false],
  ['encrypted', true],
])(
  'records of a %s tenant that are created or changed during a merge of their customer move with it or are refused',
  { timeout: soakTimeoutMs },
  async (_, isEncrypted) => {
    const newTenant = async () => {
      const created = new ReferringTenant(service);
      if (isEncrypted) await created.encrypt();
      return created;
    };
    let tenant = await newTenant();
    for (let round = 0; round < rounds; round += 1) {
      if (round > 0 && round % roundsOfTenant === 0) tenant = await newTenant();
      const [a, b] = [await tenant.createPerson(), await tenant.createPerson()];
      const [known, other] = [
        await tenant.create('visit', { title: 'known', customerId: b.id }),
        await tenant.create('visit', { title: 'other', customerId: b.id }),
      ];
      const calls = [
        () => tenant.merge(a.id, b.id),
        () => tenant.create('visit', { title: 'made', customerId: b.id }),
        () => tenant.change('visit', known.id, { title: 'renamed' }),
        () => tenant.change('visit', other.id, { customerId: b.id, note: 'noted' }),
        () => tenant.create('badge', { title: 'badge', customerId: b.id }),
      ];
      const inOrder = calls.map((_call, index) => calls[(index + round) % calls.length]!());
      const outcomes = await Promise.allSettled(inOrder);

      const refused = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason as object] : []));
      for (const reason of refused) expect(reason).toMatchObject({ code: 'INVALID_ARGUMENT' });
      const referred = [...(await tenant.all('visit')), ...(await tenant.all('badge'))];
      expect(referred.filter(({ customerId }) => customerId === b.id)).toEqual([]);
      expect(referred.find(({ id }) => id === known.id)).toMatchObject({ title: 'renamed', customerId: a.id });
    }
  },
);
