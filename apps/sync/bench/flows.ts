import { once } from 'node:events';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import type { AddressInfo } from 'node:net';
import type { Platform } from '@rapport/testing';
import { WebhookTenant } from '../test/sync-platform.ts';
import { createSteadily, figures } from './steady-changes.ts';
import { until } from './until.ts';

const perSecond = 50;
const warmUp = 100;
const goalP95Ms = 500;

/** From a commit in customers to the start of a run, to its first step, and to the request of this step, at a steady pace. */
export async function measureFlows(platform: Platform, scale: number): Promise<object> {
  const count = Math.max(50, Math.round(3_000 * scale));
  const tenant = await WebhookTenant.create(platform);
  const ages: number[] = [];
  const other = createServer((request, response) => {
    const now = Date.now();
    void json(request).then((body) => {
      ages.push(now - Date.parse((body as { time: string }).time));
      response.writeHead(204).end();
    });
  }).listen(0, '127.0.0.1');
  await once(other, 'listening');
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`;
  const definition = {
    trigger: { record: { type: 'customer', operations: ['CREATE'] } },
    steps: [{ key: 'post', http: { url: `'${url}'`, body: `{'time': string(change.time)}` } }],
  };
  const { id } = await tenant.ok<{ id: string }>('POST', '/v1/flows', { key: 'bench', name: 'Bench', definition });
  await tenant.ok('POST', `/v1/flows/${id}:publish`);
  await createSteadily(tenant, warmUp, perSecond);
  await until(() => ages.length === warmUp);

  ages.length = 0;
  await createSteadily(tenant, count, perSecond);
  await until(() => ages.length === count);
  await once(other.close(), 'close');
  const ageOf = (time: string) => `extract(epoch from ${time} - run.cause_time)::float8 * 1000`;
  const runs = await tenant.query<{ run: number; step: number }>(
    `select ${ageOf('run.start_time')} as run, ${ageOf('step.start_time')} as step
     from flow_run run join flow_step_run step on step.tenant_id = run.tenant_id and step.run_id = run.id
     where run.tenant_id = $1 and step.number = 1 order by run.id desc limit $2`,
    [tenant.tenant.tenantId, count],
  );
  const toRun = figures(runs.map(({ run }) => run));
  const toStep = figures(runs.map(({ step }) => step));
  return { perSecond, toRun, toStep, toRequest: figures(ages), goalP95Ms, reached: toStep.p95Ms <= goalP95Ms };
}
