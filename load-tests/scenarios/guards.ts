import { check, sleep } from 'k6';
import { variable } from '../variables.ts';
import { Api, uniqueText } from './api.ts';
import type { Scenario } from './scenario.ts';

interface Verdict {
  allowed: boolean;
  refusals: { reason: string }[];
}

interface Deal {
  id: string;
  stage: string;
}

/** Think time after an answer, in seconds. */
const lookSeconds = 1;

/** A user who asks which stage takes a deal, and moves it with what the guards of the stage need. The pipeline is its own. */
export function guards(baseUrl: string): Scenario {
  const api = new Api(baseUrl, variable('API_KEY'));
  return {
    protocol: 'http',
    operations: ['CreateDeal', 'CheckDealMove', 'MoveDeal'],
    setup: () => newPipeline(api),
    run(pipelineId) {
      const deal = { title: `Load ${uniqueText()}`, pipelineId: pipelineId as string, stage: 'new' };
      const { body: created } = api.send<Deal>('POST', 'CreateDeal', '/v1/deals', deal);
      const path = `/v1/deals/${created?.id ?? ''}`;
      const checked = api.send<Verdict>('POST', 'CheckDealMove', `${path}:checkMove`, { stage: 'offered' });
      const needs = ['REQUIRED', 'CONDITION_NOT_MET'];
      check(checked.body, {
        'a check names what a stage needs': (verdict) =>
          verdict?.allowed === false &&
          needs.every((reason) => verdict.refusals.some((each) => each.reason === reason)),
      });
      sleep(lookSeconds);
      const set = { amount: { amount: '1200.50', currencyCode: 'EUR' }, closeDate: '2030-01-31' };
      const move = { stage: 'offered', set, reason: 'They asked for an offer' };
      const moved = api.send<Deal>('POST', 'MoveDeal', `${path}:move`, move);
      check(moved.body, { 'a deal passes the guards': (answer) => answer?.stage === 'offered' });
      sleep(lookSeconds);
    },
  };
}

/** @throws Error, which ends the run, when no pipeline can be created */
function newPipeline(api: Api): string {
  const expression = 'has(deal.amount) && decimal(deal.amount.amount) >= decimal("1000")';
  const stages = [
    { key: 'new', name: 'New', kind: 'OPEN' },
    {
      ...{ key: 'offered', name: 'Offered', kind: 'OPEN' },
      guards: [{ kind: 'FIELDS', fields: ['closeDate'] }, { kind: 'EXPRESSION', expression }, { kind: 'OPEN_TASKS' }],
    },
  ];
  const pipeline = { name: `Load ${uniqueText()}`, stages };
  const { status, body } = api.send<{ id: string }>('POST', 'CreatePipeline', '/v1/pipelines', pipeline);
  if (!body) throw new Error(`No pipeline could be created (${status}).`);
  return body.id;
}
