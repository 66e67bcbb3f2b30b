import { check, sleep } from 'k6';
import { variable } from '../variables.ts';
import { Api } from './api.ts';
import type { Scenario } from './scenario.ts';

const groupings = ['OWNER', 'TEAM', 'CATEGORY', 'STAGE', 'MONTH'];
/** Think time after an answer, in seconds. */
const lookSeconds = 2;

interface Forecast {
  total?: { dealCount: number };
  computeTime: string;
}

/** A manager who views the forecast of the year in groups, computes it again as of the time of the answer, and reads the report of a pipeline. */
export function forecasts(baseUrl: string): Scenario {
  const api = new Api(baseUrl, variable('API_KEY'));
  const compute = (query: string) =>
    api.get<Forecast>('ComputeForecast', `/v1/forecasts:compute?period=${new Date().getUTCFullYear()}${query}`);
  return {
    protocol: 'http',
    operations: ['ComputeForecast', 'GetPipelineReport'],
    setup: () => pipelineOfDeals(api),
    run(data) {
      const groupBy = groupings[Math.floor(Math.random() * groupings.length)];
      const { body: forecast } = compute(`&groupBy=${groupBy}`);
      check(forecast, { 'the forecast has a total': (shown) => shown?.total !== undefined });
      sleep(lookSeconds);
      if (forecast) compute(`&asOf=${encodeURIComponent(forecast.computeTime)}`);
      const { body } = api.get<{ stages: unknown[] }>('GetPipelineReport', `/v1/pipelines/${data as string}/report`);
      check(body, { 'the report has stages': (report) => (report?.stages.length ?? 0) > 0 });
      sleep(lookSeconds);
    },
  };
}

/** @throws Error, which ends the run, when the tenant has no deals */
function pipelineOfDeals(api: Api): string {
  const { status, body } = api.get<{ deals?: { pipelineId: string }[] }>('ListDeals', '/v1/deals?pageSize=1');
  const [first] = body?.deals ?? [];
  if (!first) throw new Error(`The tenant has no deals to work with (${status}).`);
  return first.pipelineId;
}
