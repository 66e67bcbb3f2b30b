import { ForecastCategory } from '@rapport/contracts/rapport/sales/v1/forecast_category';
import { StageKind } from '@rapport/contracts/rapport/sales/v1/pipeline';
import { beforeEach, expect, test } from 'vitest';
import { sharedCustomers } from './running-customers.js';
import { SalesTenant, stage } from './sales-tenant.js';

const { BEST_CASE, CLOSED, COMMIT, OMITTED, PIPELINE } = ForecastCategory;
const amount = { currencyCode: 'EUR', amount: '99.99' };
const euros = (value: string) => ({ currencyCode: 'EUR', amount: value });

const service = await sharedCustomers();
let tenant: SalesTenant;

beforeEach(() => {
  tenant = new SalesTenant(service);
});

const forecasted = (probability: number) => ({
  ...stage('new', StageKind.OPEN),
  probability,
  forecastCategory: BEST_CASE,
});
const pipelineOf = (probability = 50) =>
  tenant.createPipeline({
    stages: [forecasted(probability), stage('won', StageKind.WON), stage('lost', StageKind.LOST)],
  });

test('a deal has the probability and the category of its stage, unless it has its own', async () => {
  const { id, ...created } = await tenant.createDeal(await pipelineOf(), { amount });
  expect(created).toMatchObject({
    ...{ probability: undefined, effectiveProbability: 50, weightedAmount: euros('50.00') },
    effectiveForecastCategory: BEST_CASE,
  });

  expect(await tenant.updateDeal(id, { probability: 10, forecastCategory: COMMIT })).toMatchObject({
    ...{ effectiveProbability: 10, weightedAmount: euros('10.00'), effectiveForecastCategory: COMMIT },
  });
  expect(await tenant.updateDeal(id, { stage: 'won' })).toMatchObject({
    ...{ probability: 10, effectiveProbability: 100, weightedAmount: amount, effectiveForecastCategory: CLOSED },
  });
  expect(await tenant.updateDeal(id, { stage: 'lost' })).toMatchObject({
    ...{ effectiveProbability: 0, weightedAmount: euros('0.00'), effectiveForecastCategory: OMITTED },
  });
  const cleared = { stage: 'new', probability: undefined, forecastCategory: ForecastCategory.UNSPECIFIED };
  expect(await tenant.updateDeal(id, cleared)).toMatchObject({
    ...{ effectiveProbability: 50, weightedAmount: euros('50.00'), effectiveForecastCategory: BEST_CASE },
  });
});

test('a changed stage applies to a deal with its next write', async () => {
  const pipeline = await pipelineOf(50);
  const { id } = await tenant.createDeal(pipeline, { amount });
  const stages = pipeline.stages.map((each) => ({ ...each, probability: 20, forecastCategory: 0 }));
  await service.call(
    'updatePipeline',
    { id: pipeline.id, pipeline: { ...pipeline, stages }, updateMask: ['stages'] },
    tenant.caller,
  );

  expect(await service.call('getDeal', { id }, tenant.caller)).toMatchObject({ effectiveProbability: 50 });
  expect(await tenant.updateDeal(id, { title: 'Renamed' })).toMatchObject({
    ...{ effectiveProbability: 20, weightedAmount: euros('20.00'), effectiveForecastCategory: PIPELINE },
  });
});

test('only a stage of kind WON makes a deal CLOSED', async () => {
  const category = { forecastCategory: CLOSED };
  await expect(tenant.createDeal(await pipelineOf(), category)).rejects.toMatchObject({
    violations: [{ field: 'deal.forecastCategory', reason: 'NOT_ALLOWED' }],
  });
  const stages = [
    { ...stage('new', StageKind.OPEN), ...category },
    { ...stage('won', StageKind.WON), forecastCategory: COMMIT },
  ];
  await expect(tenant.createPipeline({ stages })).rejects.toMatchObject({
    violations: [
      { field: 'pipeline.stages[0].forecastCategory', reason: 'NOT_ALLOWED' },
      { field: 'pipeline.stages[1].forecastCategory', reason: 'NOT_ALLOWED' },
    ],
  });
});
