import { check, sleep } from 'k6';
import { dealMix, stepAt } from '../mixes.ts';
import type { Operation } from '../slo.ts';
import { variable } from '../variables.ts';
import { Api, uniqueText } from './api.ts';
import type { Scenario } from './scenario.ts';

type Step = keyof typeof dealMix;

interface Deal {
  id: string;
  pipelineId: string;
  stage: string;
  status: string;
}

/** Input of the iterations: deals of one pipeline, and the stages of its open deals. */
interface Sales {
  pipelineId: string;
  stages: string[];
  ids: string[];
}

/** Think time after an answer, in seconds. */
const lookSeconds = 1;

const operations: Readonly<Record<Step, Operation>> = {
  get: 'GetDeal',
  list: 'ListDeals',
  aggregate: 'AggregateDeals',
  create: 'CreateDeal',
  move: 'UpdateDeal',
};

/** A user who views the deals of a pipeline by stage, and moves them. Uses the existing deals of the tenant. */
export function deals(baseUrl: string): Scenario {
  const api = new Api(baseUrl, variable('API_KEY'));
  return {
    protocol: 'http',
    operations: Object.values(operations),
    setup: () => openDeals(api),
    run(data) {
      take(api, stepAt(dealMix, Math.random() * 100), data as Sales);
      sleep(lookSeconds);
    },
  };
}

/** @throws Error, which ends the run, when the tenant has no open deals */
function openDeals(api: Api): Sales {
  const filter = encodeURIComponent('status = OPEN');
  const { status, body } = api.get<{ deals?: Deal[] }>('ListDeals', `/v1/deals?pageSize=200&filter=${filter}`);
  const [first] = body?.deals ?? [];
  if (!first) throw new Error(`The tenant has no open deals to work with (${status}).`);
  const { pipelineId } = first;
  const found = (body?.deals ?? []).filter((deal) => deal.pipelineId === pipelineId);
  return { pipelineId, stages: [...new Set(found.map(({ stage }) => stage))], ids: found.map(({ id }) => id) };
}

function take(api: Api, step: Step, { pipelineId, stages, ids }: Sales): void {
  const operation = operations[step];
  const id = oneOf(ids);
  const stage = oneOf(stages);
  switch (step) {
    case 'get': {
      const { body } = api.get<Deal>(operation, `/v1/deals/${id}`);
      check(body, { 'a deal can be read': () => body?.id === id });
      return;
    }
    case 'list': {
      const filter = encodeURIComponent(
        `pipeline_id = "${pipelineId}" AND stage = "${stage}" AND createTime < today+1d`,
      );
      const path = `/v1/deals?pageSize=20&orderBy=amount%20desc&filter=${filter}`;
      const { body } = api.get<{ deals: Deal[] }>(operation, path);
      check(body, {
        'the list has deals of the stage': () => body?.deals.every((deal) => deal.stage === stage) === true,
      });
      return;
    }
    case 'aggregate': {
      const filter = encodeURIComponent(`pipeline_id = "${pipelineId}"`);
      const path = `/v1/deals:aggregate?groupBy=stage&sum=amount&filter=${filter}`;
      const { body } = api.get<{ total: { count: number } }>(operation, path);
      check(body, { 'the deals are added up': () => (body?.total.count ?? 0) > 0 });
      return;
    }
    case 'create': {
      // Fields that stage guards usually require.
      const given = { amount: { amount: '1200.50', currencyCode: 'EUR' }, closeDate: '2030-01-31' };
      const { body } = api.send<Deal>('POST', operation, '/v1/deals', {
        ...{ title: `Load ${uniqueText()}`, pipelineId, stage, ...given },
      });
      check(body, { 'a deal is created': () => body?.stage === stage });
      return;
    }
    case 'move': {
      const { body } = api.send<Deal>('PATCH', operation, `/v1/deals/${id}`, { stage });
      check(body, { 'a deal is moved': () => body?.stage === stage });
      return;
    }
    default:
      step satisfies never;
  }
}

function oneOf(values: readonly string[]): string {
  return values[Math.floor(Math.random() * values.length)] ?? '';
}
