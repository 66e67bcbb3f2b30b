import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { AmountMode, type Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import { LineItem } from '@rapport/contracts/rapport/sales/v1/line_item';
import { expect, test } from 'vitest';
import { SeedRandom } from '../seed/seed-random.ts';
import { QuotesTenant } from './quotes-tenant.js';
import { person, sharedCustomers } from './running-customers.js';
import { WorkTenant } from './work-tenant.js';

const size = {
  deals: sizeOf('MERGED_DEALS', { short: 4, long: 12 }),
  steps: sizeOf('DEAL_MERGE_STEPS', { short: 12, long: 2_000 }),
};

const service = await sharedCustomers();

test(
  'after random merges and undos no amount is lost, all is with the surviving deal, and at last as it was',
  async () => {
    const random = new SeedRandom(printedSeed('merges of deals'));
    const tenant = new QuotesTenant(service);
    const work = new WorkTenant(service, tenant.caller);
    const pipeline = await tenant.createPipeline();
    const { id: customerId } = await service.create(tenant.caller, person());
    const line = (index: number): LineItem => ({
      ...LineItem.decode(new Uint8Array()),
      ...{ description: `Line ${index % 3}`, quantity: '1', unitPrice: `${1 + (index % 3)}.10` },
    });
    const deals: Deal[] = [];
    for (let index = 0; index < size.deals; index += 1) {
      const given = {
        ...{ lineItems: [line(index)], lineCurrency: 'EUR', amountMode: AmountMode.LINES, tags: [`tag${index % 4}`] },
        externalIds: [{ system: `s${index % 3}`, value: String(index) }],
        ...(index % 2 === 0 && { customerId, closeDate: '2027-01-31' }),
      };
      deals.push(await tenant.createDeal(pipeline, given));
    }
    const tasks = await Promise.all(deals.map(({ id }) => work.createTask({ related: [{ type: 'deal', id }] })));
    const quotes = await Promise.all(deals.map((deal) => tenant.createQuote(deal)));
    const sumOf = async () =>
      (await service.call('aggregateDeals', { sum: ['amount'] }, tenant.caller)).total?.sums.map(({ value }) => value);
    const [before, sum] = [await contentsOf(), await sumOf()];

    /** The merges in force, the oldest first. */
    const merges: { from: string; to: string }[] = [];
    const survivorOf = (id: string): string => {
      const merge = merges.find(({ from }) => from === id);
      return merge ? survivorOf(merge.to) : id;
    };
    const counts = { merges: 0, undos: 0 };
    for (let step = 0; step < size.steps; step += 1) {
      const live = deals.map(({ id }) => id).filter((id) => survivorOf(id) === id);
      if (live.length > 1 && random.below(5) < 3) await merge(live);
      else if (merges.length > 0) await undo();
      expect(await sumOf()).toEqual(sum);
      const expected = deals.map(({ id }) => survivorOf(id));
      const [ofTasks, ofQuotes] = [
        await Promise.all(tasks.map(dealOfTask)),
        await Promise.all(quotes.map(dealOfQuote)),
      ];
      expect({ ofTasks, ofQuotes }).toEqual({ ofTasks: expected, ofQuotes: expected });
    }
    while (merges.length > 0) await undo();
    expect(await contentsOf()).toEqual(before);
    printTally('merges of deals', counts);

    async function merge(live: string[]): Promise<void> {
      const to = live[random.below(live.length)]!;
      const others = live.filter((id) => id !== to);
      const from = others[random.below(others.length)]!;
      await service.call('mergeDeals', { id: to, merge: { mergedId: from } }, tenant.caller);
      merges.push({ from, to });
      counts.merges += 1;
    }

    async function undo(): Promise<void> {
      const { from } = merges.pop()!;
      const { keptFields } = await service.call('undoDealMerge', { id: from }, tenant.caller);
      expect(keptFields).toEqual([]);
      counts.undos += 1;
    }

    function contentsOf() {
      return Promise.all(
        deals.map(async ({ id }) => {
          const { etag: _etag, updateTime: _time, ...content } = await tenant.deal(id);
          return content;
        }),
      );
    }

    async function dealOfTask({ id }: { id: string }) {
      return (await work.getTask(id)).related[0]?.id;
    }

    async function dealOfQuote({ id }: { id: string }) {
      return (await tenant.quote(id)).dealId;
    }
  },
  soakTimeoutMs,
);
