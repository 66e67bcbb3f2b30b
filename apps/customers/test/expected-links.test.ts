import { StageKind, type Pipeline } from '@rapport/contracts/rapport/sales/v1/pipeline';
import { v7 } from 'uuid';
import { beforeEach, describe, expect, test } from 'vitest';
import { changesOf } from './change-feeds.js';
import { person, sharedCustomers } from './running-customers.js';
import { deal, SalesTenant, stage } from './sales-tenant.js';

const service = await sharedCustomers();

let tenant: SalesTenant;
let pipeline: Pipeline;

/** The first deal of a pipeline reads it. What it has read is expected for the deals after it. */
beforeEach(async () => {
  tenant = new SalesTenant(service);
  pipeline = await tenant.createPipeline();
  await tenant.createDeal(pipeline);
});

type Values = Record<string, unknown>;

function daysToRot({ stageTime, rotTime }: Values): number | undefined {
  if (rotTime === undefined) return undefined;
  return (Date.parse(rotTime as string) - Date.parse(stageTime as string)) / 86_400_000;
}

const change = async (stages: Pipeline['stages']) => {
  const request = { id: pipeline.id, pipeline: { ...pipeline, stages }, updateMask: ['stages'] };
  pipeline = await service.call('updatePipeline', request, tenant.caller);
};

describe('a deal of a pipeline that was read before', () => {
  test('enters a stage that was added since, at its position', async () => {
    await change([stage('first', StageKind.OPEN), ...pipeline.stages]);

    const created = await tenant.createDeal(pipeline, { stage: 'first' });

    expect(created).toMatchObject({ stage: 'first', stageTime: created.createTime });
    expect(await tenant.entriesOf(created)).toMatchObject([{ stage: 'first', enterTime: created.createTime }]);
  });

  test('does not enter a stage that was removed since', async () => {
    await change(pipeline.stages.filter(({ key }) => key !== 'proposal'));

    await expect(tenant.createDeal(pipeline, { stage: 'proposal' })).rejects.toMatchObject({
      violations: [{ field: 'deal.stage', reason: 'STAGE_UNKNOWN' }],
    });
  });

  test('meets a guard that was added since, and needs not meet one that was removed', async () => {
    await change([
      stage('new', StageKind.OPEN, ['amount']),
      stage('proposal', StageKind.OPEN),
      ...pipeline.stages.slice(2),
    ]);

    await expect(tenant.createDeal(pipeline)).rejects.toMatchObject({
      violations: [{ field: 'deal.amount', reason: 'REQUIRED' }],
    });
    expect(await tenant.createDeal(pipeline, { stage: 'proposal' })).toMatchObject({ stage: 'proposal' });
  });

  test('is refused once the pipeline is deleted', async () => {
    const { id } = await tenant.createPipeline();
    const first = await tenant.createDeal({ ...pipeline, id });
    await service.call('deleteDeal', { id: first.id }, tenant.caller);
    await service.call('deletePipeline', { id }, tenant.caller);

    await expect(tenant.createDeal({ ...pipeline, id })).rejects.toMatchObject({
      violations: [{ field: 'deal.pipelineId', reason: 'PIPELINE_NOT_FOUND' }],
    });
  });

  test('is refused for a customer that is not live, in a request that is only validated too', async () => {
    const customer = await service.create(tenant.caller, person());
    const request = { deal: deal({ pipelineId: pipeline.id, customerId: customer.id }) };
    await service.call('createDeal', request, tenant.caller);
    const other = await service.create(tenant.caller, person());
    await service.call('deleteCustomer', { id: other.id }, tenant.caller);
    const refused = { deal: { ...request.deal, customerId: other.id } };

    for (const validateOnly of [false, true]) {
      await expect(service.call('createDeal', { ...refused, validateOnly }, tenant.caller)).rejects.toMatchObject({
        violations: [{ field: 'deal.customerId', reason: 'CUSTOMER_NOT_FOUND' }],
      });
    }
  });

  test('is created once for an idempotency key, whatever changes before the repetition', async () => {
    const request = { deal: deal({ pipelineId: pipeline.id, stage: 'new' }), requestId: v7() };
    const created = await service.call('createDeal', request, tenant.caller);
    await change([stage('new', StageKind.OPEN, ['closeDate']), ...pipeline.stages.slice(1)]);

    expect(await service.call('createDeal', request, tenant.caller)).toEqual(created);
    expect(await tenant.deals('')).toHaveLength(2);
  });

  test('rots by the limit of the moment in which it is created, while the limit changes', async () => {
    const rounds = 10;
    const changes = async () => {
      for (let limitDays = 1; limitDays <= rounds; limitDays += 1) {
        await change(pipeline.stages.map((each) => ({ ...each, limitDays })));
      }
    };
    const creates = async () => {
      for (let each = 0; each < rounds; each += 1) await tenant.createDeal(pipeline);
    };
    await Promise.all([changes(), creates(), creates(), creates()]);

    const types = ['pipeline', 'deal'];
    const log = await changesOf(service, tenant.caller, 2 + 4 * rounds, { types });
    let limit: number | undefined;
    for (const { type, after } of log as { type: string; after: Values }[]) {
      if (type === 'pipeline') limit = (after['stages'] as { limitDays?: number }[] | undefined)?.[0]?.limitDays;
      else expect(daysToRot(after)).toBe(limit);
    }
    expect(log).toHaveLength(2 + 4 * rounds);
  });
});

test('a company is expected to be one', async () => {
  const { caller } = tenant;
  const notACompany = await service.create(caller, person());

  await expect(service.create(caller, person({ companyId: notACompany.id }))).rejects.toMatchObject({
    violations: [{ field: 'customer.companyId', reason: 'COMPANY_NOT_FOUND' }],
  });
});
