import { printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import { AppError } from '@rapport/platform';
import { expect, test } from 'vitest';
import { person, sharedCustomers } from './running-customers.js';
import { SalesTenant } from './sales-tenant.js';
import { superuserOf } from './superuser.js';

const rounds = sizeOf('DEAL_RACE_ROUNDS', { short: 3, long: 1_000 });

const service = await sharedCustomers();

/** The outcome of a call: OK, the reason of a refusal, or an unexpected failure. */
function outcomeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'OK',
    (error: unknown) => (error instanceof AppError ? `${error.code} ${error.reason}` : String(error)),
  );
}

test(
  'a deal whose customer is merged, deleted or erased concurrently waits for it, and never refers to a removed one',
  { timeout: soakTimeoutMs },
  async () => {
    const tenant = new SalesTenant(service);
    const { caller } = tenant;
    const pipeline = await tenant.createPipeline();
    const newPerson = async () => (await service.create(caller, person())).id;
    const endings: Record<string, (id: string) => Promise<unknown>> = {
      merge: async (mergedId) => {
        const merge = { mergedId, preferMerged: [] };
        return service.call('mergeCustomers', { id: await newPerson(), merge }, caller);
      },
      delete: (id) => service.call('deleteCustomer', { id }, caller),
      erase: (id) => service.call('eraseCustomer', { id, erasure: { reason: 'asked for' } }, caller),
    };
    const writes: Record<string, (id: string, deal: Deal) => Promise<unknown>> = {
      create: (customerId) => tenant.createDeal(pipeline, { customerId }),
      update: (customerId, { id }) => tenant.updateDeal(id, { customerId }),
      leave: (_, { id }) => tenant.updateDeal(id, { customerId: undefined }),
      rename: (_, { id }) => tenant.updateDeal(id, { title: 'Renamed' }),
    };
    const tally: Record<string, number> = {};

    for (let round = 0; round < rounds; round += 1) {
      for (const [ending, end] of Object.entries(endings)) {
        for (const [write, change] of Object.entries(writes)) {
          const id = await newPerson();
          const isAbout = write === 'leave' || write === 'rename';
          const deal = await tenant.createDeal(pipeline, isAbout ? { customerId: id } : {});
          const calls = [() => end(id), () => change(id, deal)];
          const order = round % 2 === 0 ? calls : calls.toReversed();
          const outcomes = await Promise.all(order.map((call) => outcomeOf(call())));
          const [ended, written] = round % 2 === 0 ? outcomes : outcomes.toReversed();
          expect(ended, `${ending} beside ${write}`).toBe('OK');
          const key = `${write} beside ${ending}: ${written}`;
          tally[key] = (tally[key] ?? 0) + 1;
        }
      }
    }

    printTally('deals beside endings of customers', tally);
    const refusals = Object.keys(tally).filter((key) => !/: (OK|INVALID_ARGUMENT VALIDATION_FAILED)$/.test(key));
    expect(refusals).toEqual([]);
    const superuser = await superuserOf(service.urls.ownerUrl);
    const { rows } = await superuser.query(
      `select deal.id, customer.merged_into_id from deal
       left join customer on customer.tenant_id = deal.tenant_id and customer.id = deal.customer_id
       where deal.tenant_id = $1 and deal.customer_id is not null
         and (customer.id is null or customer.merged_into_id is not null)`,
      [caller.tenantId],
    );
    await superuser.end();
    expect(rows).toEqual([]);
  },
);
