import { isSoak, printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { LeadStatus } from '@rapport/contracts/rapport/sales/v1/lead';
import { LeadIntake } from '@rapport/contracts/rapport/sales/v1/lead_work_service';
import { v7 } from 'uuid';
import { expect, test } from 'vitest';
import { SeedRandom } from '../seed/seed-random.ts';
import { cutCustomers, untilKnown } from './cut-customers.js';
import type { Cut } from './cutting-proxy.js';
import { customerOf, person } from './running-customers.js';
import { deal, SalesTenant } from './sales-tenant.js';

const rounds = sizeOf('LEAD_CUT_ROUNDS', { short: 1, long: 20 });

const { service, proxy } = await cutCustomers();

/** A cut before or after each statement of a call. @param count statements of a call that is not cut */
function cutsOf(count: number, random: SeedRandom): Cut[] {
  const places = Array.from({ length: count }, (_, index) => index + 1);
  return places.map((place) => (random.below(2) === 0 ? { before: place } : { after: place }));
}

test(
  'a lead that is qualified by parallel calls, cut at each statement, gets one deal and no new customer',
  async () => {
    const random = new SeedRandom(printedSeed('lead-cuts'));
    const tenant = new SalesTenant(service);
    const { id: pipelineId } = await tenant.createPipeline();
    const { id: customerId } = await service.create(tenant.caller, person());
    await tenant.createRule([v7(), v7()], { recordType: 'deal' });
    const qualify = (id: string, requestId: string | undefined) => () =>
      service.call(
        'qualifyLead',
        { id, qualification: { deal: deal({ pipelineId }), dealId: undefined }, requestId },
        tenant.caller,
      );
    proxy.plan(tenant.caller.principalId);
    await qualify((await tenant.createLead(customerId)).id, v7())();
    const { statements } = proxy.result;

    const leads = [];
    let cut = 0;
    for (let round = 0; round < rounds; round += 1) {
      for (const place of cutsOf(statements, random).filter((_, index) => isSoak || index % 2 === 0)) {
        const { id } = await tenant.createLead(customerId);
        proxy.plan(tenant.caller.principalId, place);
        const parallel = 1 + random.below(3);
        const calls = Array.from({ length: parallel }, () =>
          untilKnown(qualify(id, random.below(2) === 0 ? v7() : undefined)),
        );
        const dealIds = new Set((await Promise.all(calls)).map((answer) => answer.deal?.id));
        if (proxy.result.isCut) cut += 1;
        proxy.plan('nothing');
        leads.push({ id, dealIds });
      }
    }
    printTally('cut qualifications', { statements, leads: leads.length, cut });
    // Some calls need fewer statements, since a process caches which types have rules.
    expect(cut).toBeGreaterThan(leads.length * 0.7);
    for (const { id, dealIds } of leads) {
      expect(dealIds.size).toBe(1);
      const [dealId] = dealIds;
      expect(await service.call('getLead', { id }, tenant.caller)).toMatchObject({
        status: LeadStatus.QUALIFIED,
        dealId,
      });
    }
    const count = async (method: 'aggregateDeals' | 'aggregateCustomers') =>
      (await service.call(method, {}, tenant.caller)).total?.count;
    expect(await count('aggregateDeals')).toBe(leads.length + 1);
    expect(await count('aggregateCustomers')).toBe(1);
  },
  isSoak ? soakTimeoutMs : 120_000,
);

test(
  'an intake with a key, cut at its statements, makes one customer, one lead and one assignment',
  async () => {
    const random = new SeedRandom(printedSeed('intake-cuts'));
    const tenant = new SalesTenant(service);
    await tenant.createRule([v7(), v7()]);
    const intake = (address: string) => {
      const customer = customerOf(person({ displayName: address, emails: [{ address, label: undefined }] }));
      const request = { intake: { ...LeadIntake.decode(new Uint8Array()), customer }, requestId: v7() };
      return () => service.call('intakeLead', request, tenant.caller);
    };
    proxy.plan(tenant.caller.principalId);
    await intake('first@example.com')();
    const { statements } = proxy.result;

    let made = 1;
    let cut = 0;
    for (let round = 0; round < rounds; round += 1) {
      for (const place of cutsOf(statements, random).filter((_, index) => isSoak || index % 3 === 0)) {
        proxy.plan(tenant.caller.principalId, place);
        await untilKnown(intake(`${crypto.randomUUID()}@${crypto.randomUUID()}.example`));
        made += 1;
        if (proxy.result.isCut) cut += 1;
        proxy.plan('nothing');
      }
    }
    printTally('cut intakes', { statements, intakes: made, cut });
    expect(cut).toBeGreaterThan(made * 0.7);
    for (const method of ['aggregateCustomers', 'aggregateLeads', 'aggregateAssignments'] as const) {
      expect((await service.call(method, {}, tenant.caller)).total?.count, method).toBe(made);
    }
  },
  isSoak ? soakTimeoutMs : 120_000,
);
