import { DealStatus } from '@rapport/contracts/rapport/sales/v1/deal';
import { StageKind, StageTransitions } from '@rapport/contracts/rapport/sales/v1/pipeline';
import { beforeEach, describe, expect, test } from 'vitest';
import { MergingTenant } from './merging-tenant.js';
import { company, newCaller, person, sharedCustomers } from './running-customers.js';
import { deal, SalesTenant, stage } from './sales-tenant.js';

const service = await sharedCustomers();
let tenant: SalesTenant;

beforeEach(() => {
  tenant = new SalesTenant(service);
});

const euros = (amount: string) => ({ amount, currencyCode: 'EUR' });

describe('a deal', () => {
  test('is read as it was created, with the server-managed fields of its stage', async () => {
    const pipeline = await tenant.createPipeline();
    const customer = await service.create(tenant.caller, person({ givenName: 'Ada' }));

    const created = await tenant.createDeal(pipeline, {
      ...{ title: ' 50 seats ', customerId: customer.id, stage: 'proposal', amount: euros('012.50') },
      ...{ closeDate: '2026-09-30', tags: ['vip', 'vip'], externalIds: [{ system: 'erp', value: '4711' }] },
    });

    expect(created).toMatchObject({
      ...{ title: '50 seats', customerId: customer.id, pipelineId: pipeline.id, stage: 'proposal', etag: '"1"' },
      ...{ status: DealStatus.OPEN, amount: euros('12.50'), closeDate: '2026-09-30', tags: ['vip'] },
      ...{ stageTime: created.createTime, closeTime: undefined, externalIds: [{ system: 'erp', value: '4711' }] },
    });
    expect(await service.call('getDeal', { id: created.id }, tenant.caller)).toEqual(created);
  });

  test('needs a live pipeline and customer of its tenant', async () => {
    const pipeline = await tenant.createPipeline();
    const foreign = await new SalesTenant(service).createPipeline();
    const customer = await service.create(newCaller(), person());

    await expect(tenant.createDeal(foreign)).rejects.toMatchObject({
      violations: [{ field: 'deal.pipelineId', reason: 'PIPELINE_NOT_FOUND' }],
    });
    await expect(tenant.createDeal(pipeline, { customerId: customer.id })).rejects.toMatchObject({
      violations: [{ field: 'deal.customerId', reason: 'CUSTOMER_NOT_FOUND' }],
    });
  });

  test('prevents the deletion of its pipeline while live, and can not be restored without it', async () => {
    const pipeline = await tenant.createPipeline();
    const { id } = await tenant.createDeal(pipeline);
    const remove = () => service.call('deletePipeline', { id: pipeline.id }, tenant.caller);

    await expect(remove()).rejects.toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'RECORD_IN_USE' });
    await service.call('deleteDeal', { id }, tenant.caller);
    await remove();

    await expect(service.call('undeleteDeal', { id }, tenant.caller)).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'PIPELINE_NOT_FOUND',
    });
    await service.call('undeletePipeline', { id: pipeline.id }, tenant.caller);
    expect(await service.call('undeleteDeal', { id }, tenant.caller)).toMatchObject({ id, etag: '"3"' });
  });

  test('retains the id of a deleted customer', async () => {
    const customer = await service.create(tenant.caller, person());
    const { id } = await tenant.createDeal(await tenant.createPipeline(), { customerId: customer.id });

    await service.call('deleteCustomer', { id: customer.id }, tenant.caller);

    expect(await tenant.updateDeal(id, { title: 'Renamed' })).toMatchObject({ customerId: customer.id });
  });

  test('is matched by its external id in an upsert', async () => {
    const pipeline = await tenant.createPipeline();
    const upsert = (title: string, tags: string[]) =>
      service.call(
        'upsertDeal',
        {
          deal: deal({ title, tags, pipelineId: pipeline.id, externalIds: [{ system: 'erp', value: '1' }] }),
          matchSystem: 'erp',
        },
        tenant.caller,
      );

    const first = await upsert('First', ['a']);
    const second = await upsert('Second', ['b']);

    expect([first.created, second.created]).toEqual([true, false]);
    expect(second.deal).toMatchObject({ id: first.deal?.id, title: 'Second', tags: ['a', 'b'], etag: '"2"' });
    await expect(tenant.createDeal(pipeline, { externalIds: [{ system: 'erp', value: '1' }] })).rejects.toMatchObject({
      reason: 'EXTERNAL_ID_TAKEN',
      metadata: { dealId: first.deal?.id },
    });
  });
});

describe('lists of deals', () => {
  test('are filtered and ordered by money, dates, stages and referenced records', async () => {
    const pipeline = await tenant.createPipeline();
    const customer = await service.create(tenant.caller, company({ displayName: 'Acme', domains: [] }));
    await tenant.createDeal(pipeline, { title: 'Small', amount: euros('9'), closeDate: '2026-02-01' });
    await tenant.createDeal(pipeline, { title: 'Large', amount: euros('1000.5'), customerId: customer.id });
    await tenant.createDeal(pipeline, { title: 'Foreign', amount: { amount: '50', currencyCode: 'USD' } });
    await tenant.createDeal(pipeline, { title: 'None', closeDate: '2026-01-31' });

    expect(await tenant.deals('amount > "EUR 10"', 'amount')).toEqual(['Large', 'Foreign']);
    expect(await tenant.deals('amount:EUR*', 'amount desc')).toEqual(['Large', 'Small']);
    expect(await tenant.deals('amount = "EUR 1000.50"')).toEqual(['Large']);
    expect(await tenant.deals('close_date < 2026-02-01')).toEqual(['None']);
    expect(await tenant.deals('', 'amount')).toEqual(['Small', 'Large', 'Foreign', 'None']);
    expect(await tenant.deals('', 'close_date desc')).toEqual(['Small', 'None', 'Foreign', 'Large']);
    expect(await tenant.deals('stage = new AND customer.display_name = acme')).toEqual(['Large']);
    expect(await tenant.deals('pipeline.name = "new*" AND title = "s*"')).toEqual(['Small']);
    expect(await tenant.deals('status = OPEN AND NOT customer_id:*', 'title')).toEqual(['Foreign', 'None', 'Small']);
    await expect(tenant.deals('amount = ten')).rejects.toMatchObject({
      violations: [{ field: 'filter', reason: 'FILTER_VALUE_INVALID' }],
    });
    await expect(tenant.deals('', 'lost_reason')).rejects.toMatchObject({
      violations: [{ field: 'orderBy', reason: 'ORDER_NOT_INDEXED' }],
    });
  });

  test('are found by fields of their customers, and customers by their deals', async () => {
    const pipeline = await tenant.createPipeline();
    const acme = await service.create(tenant.caller, company({ displayName: 'Acme', domains: [], tags: ['big'] }));
    const ada = await service.create(tenant.caller, person({ givenName: 'Ada', companyId: acme.id }));
    const bob = await service.create(tenant.caller, person({ givenName: 'Bob' }));
    await tenant.createDeal(pipeline, { title: 'For Ada', customerId: ada.id, amount: euros('5') });
    await tenant.createDeal(pipeline, { title: 'For Bob', customerId: bob.id });
    await tenant.createDeal(pipeline, { title: 'More', customerId: ada.id, amount: euros('9') });
    const customersWith = async (filter: string, caller = tenant.caller) => {
      const { customers } = await service.call('listCustomers', { filter, orderBy: 'create_time' }, caller);
      return customers.map(({ givenName }) => givenName);
    };

    expect(await tenant.deals('customer.company.tags:big', 'title')).toEqual(['For Ada', 'More']);
    expect(await customersWith('deals.stage = new')).toEqual(['Ada', 'Bob']);
    expect(await customersWith('deals.amount >= "EUR 5"')).toEqual(['Ada']);
    // BETWEEN must match one deal, two comparisons may match two.
    expect(await customersWith('deals.amount BETWEEN "EUR 6" AND "EUR 8"')).toEqual([]);
    expect(await customersWith('deals.amount >= "EUR 6" AND deals.amount <= "EUR 8"')).toEqual(['Ada']);
    expect(await customersWith('NOT deals.title:*')).toEqual([undefined]);
    const others = { ...tenant.caller, permissions: ['customers.read', 'deals.write'] };
    await expect(customersWith('deals.stage = new', others)).rejects.toMatchObject({
      metadata: { permission: 'deals.read' },
    });
    const blind = { ...tenant.caller, hidesPii: true };
    await expect(customersWith('deals.title = "for*"', blind)).rejects.toMatchObject({ reason: 'FIELD_HIDDEN' });
    expect(await customersWith('deals.stage = new', blind)).toEqual(['***', '***']);
  });

  test('compare whole numbers with any number', async () => {
    const sold = await tenant.createDeal(await tenant.createPipeline(), { amount: euros('5') });
    await tenant.updateDeal(sold.id, { stage: 'proposal' });
    const stays = async (filter: string) => {
      const { stageEntries } = await service.call('listStageEntries', { filter }, tenant.caller);
      return stageEntries.map(({ stage }) => stage);
    };
    // It was in the first stage for less than a second, and is still in the second.
    const [met, unmet] = [
      ['= 0', '< 0.5', '<= 0.5', '> -0.5', '>= -0.5', '< 1e300', '> -1e300'],
      ['= 0.5', '> 0.5', '>= 0.5', '< -0.5', '<= -0.5', '> 1e300', '= 1e300'],
    ];

    for (const compared of met) expect(await stays(`duration_seconds ${compared}`), compared).toEqual(['new']);
    for (const compared of unmet) expect(await stays(`duration_seconds ${compared}`), compared).toEqual([]);
    expect(await stays('NOT duration_seconds = 0.5')).toHaveLength(2);
  });

  test('find words of titles', async () => {
    const pipeline = await tenant.createPipeline();
    await tenant.createDeal(pipeline, { title: 'Analytical engine' });
    await tenant.createDeal(pipeline, { title: 'Difference engine' });

    const { deals } = await service.call('listDeals', { q: 'engine ANALYT' }, tenant.caller);
    expect(deals.map(({ title }) => title)).toEqual(['Analytical engine']);
    await expect(service.call('listStageEntries', { q: 'engine' }, tenant.caller)).rejects.toMatchObject({
      violations: [{ field: 'q', reason: 'QUERY_NOT_INDEXED' }],
    });
  });

  test('are counted and summed by stage, per currency', async () => {
    const pipeline = await tenant.createPipeline();
    await tenant.createDeal(pipeline, { amount: euros('0.1') });
    await tenant.createDeal(pipeline, { amount: euros('0.2') });
    await tenant.createDeal(pipeline, { stage: 'proposal', amount: { amount: '5', currencyCode: 'USD' } });

    const { total, groups } = await service.call(
      'aggregateDeals',
      { groupBy: ['stage'], sum: ['amount'] },
      tenant.caller,
    );

    expect(total).toMatchObject({ count: 3, sums: [{ value: '0.30' }, { value: '5.00', currencyCode: 'USD' }] });
    expect(groups).toMatchObject([
      { values: [{ value: 'new' }], count: 2, sums: [{ field: 'amount', value: '0.30', currencyCode: 'EUR' }] },
      { values: [{ value: 'proposal' }], count: 1, sums: [{ value: '5.00', currencyCode: 'USD' }] },
    ]);
  });
});

test.each([
  ['EUR', ['1000', '0.50'], '1000.50'],
  ['EUR', ['1.5', '1.5'], '3.00'],
  ['EUR', ['1.5000', '-1.50'], '0.00'],
  ['EUR', ['0.005', '0.0010'], '0.006'],
  ['JPY', ['1.0', '2.00'], '3'],
  ['KWD', ['1.5', '-2'], '-0.500'],
])(
  'the sum of amounts in %s of %j is %s, whatever places they were entered with',
  async (currencyCode, amounts, value) => {
    const own = new SalesTenant(service);
    const pipeline = await own.createPipeline();
    for (const amount of amounts) await own.createDeal(pipeline, { amount: { amount, currencyCode } });

    const { total } = await service.call('aggregateDeals', { sum: ['amount'] }, own.caller);

    expect(total?.sums).toEqual([{ field: 'amount', value, currencyCode }]);
  },
);

describe('the stage of a deal', () => {
  test('is never entered before the previous one, even when the clock of another process is ahead', async () => {
    const created = await tenant.createDeal(await tenant.createPipeline(), { amount: euros('1') });
    const ahead = new MergingTenant(service, tenant.caller);
    const entered = new Date(Date.now() + 3_600_000).toISOString();
    await ahead.execute('update deal set stage_time = ? where id = ?', [entered, created.id]);
    await ahead.execute('update stage_entry set enter_time = ? where deal_id = ?', [entered, created.id]);

    const moved = await tenant.updateDeal(created.id, { stage: 'proposal' });
    const [before, after] = await tenant.entriesOf(created);

    expect(moved.stageTime).toBe(entered);
    expect(before).toMatchObject({ stage: 'new', leaveTime: entered, durationSeconds: 0 });
    expect(after).toMatchObject({ stage: 'proposal', enterTime: entered });
    expect(await tenant.updateDeal(created.id, { stage: 'lost', lostReason: 'price' })).toMatchObject({
      closeTime: entered,
    });
  });

  test('must belong to its pipeline, and satisfy its guard', async () => {
    const pipeline = await tenant.createPipeline();
    const created = await tenant.createDeal(pipeline);

    const description = 'must be the key of a stage of the pipeline: new, proposal, won, lost';
    await expect(tenant.createDeal(pipeline, { stage: 'signed' })).rejects.toMatchObject({
      violations: [{ field: 'deal.stage', reason: 'STAGE_UNKNOWN', description }],
    });
    await expect(tenant.updateDeal(created.id, { stage: 'won' })).rejects.toMatchObject({
      violations: [
        { field: 'deal.amount', reason: 'REQUIRED' },
        { field: 'deal.closeDate', reason: 'REQUIRED' },
      ],
    });
    const won = await tenant.updateDeal(created.id, { stage: 'won', amount: euros('1'), closeDate: '2026-01-01' });
    expect(won).toMatchObject({ status: DealStatus.WON, closeTime: won.updateTime, stageTime: won.updateTime });
    expect(await tenant.updateDeal(created.id, { stage: 'new' })).toMatchObject({
      status: DealStatus.OPEN,
      closeTime: undefined,
    });
  });

  test('follows the transitions of its pipeline', async () => {
    const stages = ['a', 'b', 'c'].map((key) => stage(key, StageKind.OPEN));
    const next = await tenant.createPipeline({
      stages: [...stages, stage('lost', StageKind.LOST)],
      transitions: StageTransitions.NEXT_ONLY,
    });
    const listed = await tenant.createPipeline({
      stages,
      transitions: StageTransitions.LISTED,
      transitionPairs: [{ from: 'a', to: 'c' }],
    });
    const one = await tenant.createDeal(next, { stage: 'a' });
    const other = await tenant.createDeal(listed, { stage: 'a' });
    const refused = { violations: [{ field: 'deal.stage', reason: 'STAGE_TRANSITION' }] };

    await expect(tenant.updateDeal(one.id, { stage: 'c' })).rejects.toMatchObject(refused);
    await tenant.updateDeal(one.id, { stage: 'b' });
    await expect(tenant.updateDeal(one.id, { stage: 'a' })).rejects.toMatchObject(refused);
    await tenant.updateDeal(one.id, { stage: 'lost' });
    await expect(tenant.updateDeal(one.id, { stage: 'c' })).rejects.toMatchObject(refused);
    await expect(tenant.updateDeal(other.id, { stage: 'b' })).rejects.toMatchObject(refused);
    await tenant.updateDeal(other.id, { stage: 'c' });
    await tenant.updateDeal(other.id, { pipelineId: next.id, stage: 'b' });
  });

  test('is recorded by consecutive entries without gaps, also within one batch', async () => {
    const pipeline = await tenant.createPipeline();
    const created = await tenant.createDeal(pipeline, { amount: euros('7') });
    await tenant.updateDeal(created.id, { title: 'Not a move' });
    const moves = ['proposal', 'new', 'proposal'].map((key) => ({
      ...{ id: created.id, deal: deal({ stage: key }), updateMask: ['stage'], etag: undefined },
    }));
    await service.call('batchUpdateDeals', { batch: { items: moves, mode: 0 } }, tenant.caller);

    const entries = await tenant.entriesOf(created);

    expect(entries.map(({ stage: key, previousStage }) => [previousStage, key])).toEqual([
      ...[
        [undefined, 'new'],
        ['new', 'proposal'],
        ['proposal', 'new'],
        ['new', 'proposal'],
      ],
    ]);
    expect(entries.map(({ leaveTime }) => leaveTime)).toEqual([
      ...entries.slice(1).map(({ enterTime }) => enterTime),
      undefined,
    ]);
    expect(entries[0]).toMatchObject({ enterTime: created.createTime, amount: euros('7'), pipelineId: pipeline.id });
    await expect(tenant.deals(`stage_entry.stage = new`)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('a pipeline', () => {
  test('has stages whose ids follow their keys', async () => {
    const created = await tenant.createPipeline();
    const renamed = created.stages.map((each) => ({ ...each, id: '', name: `${each.name}!` })).reverse();

    const { stages } = await service.call(
      'updatePipeline',
      { id: created.id, pipeline: { ...created, stages: renamed }, updateMask: ['stages'] },
      tenant.caller,
    );

    expect(stages.map(({ id, key }) => [key, id])).toEqual(created.stages.map(({ id, key }) => [key, id]).reverse());
    expect(new Set(stages.map(({ id }) => id)).size).toBe(4);
  });

  test('refuses duplicate keys, transitions to unknown stages and guards on unknown fields', async () => {
    const twice = [stage('a', StageKind.OPEN), stage('a', StageKind.WON, ['colour'])];

    await expect(
      tenant.createPipeline({ stages: twice, transitionPairs: [{ from: 'a', to: 'b' }] }),
    ).rejects.toMatchObject({
      violations: [
        { field: 'pipeline.stages[1].key', reason: 'DUPLICATE' },
        { field: 'pipeline.transitionPairs[0].to', reason: 'STAGE_UNKNOWN' },
        { field: 'pipeline.transitionPairs', reason: 'NOT_ALLOWED' },
        { field: 'pipeline.stages[1].guards[0].fields[0]', reason: 'UNKNOWN_FIELD' },
      ],
    });
  });
});
