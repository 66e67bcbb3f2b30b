import { drawnBy, printedSeed, printTally, sharedPlatform, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { FlowDefinition } from '@rapport/contracts/rapport/flows/v1/flow';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { EffectPort } from '../../src/flows/effects/effect-port.ts';
import { followTrial, type TriedRun } from '../../src/flows/trials/follow-trial.ts';
import { EffectBench, type Json } from './effect-bench.ts';

const flows = sizeOf('TRIAL_FLOWS', { short: 6, long: 300 });
const stepsEach = 6;

let bench: EffectBench;
let pipelineId: string;

beforeAll(async () => {
  bench = await EffectBench.of(await sharedPlatform(inject('platformUrl')));
  const stages = [
    { key: 'lead', name: 'Lead', kind: 'OPEN' },
    { key: 'proposal', name: 'Proposal', kind: 'OPEN' },
    { key: 'won', name: 'Won', kind: 'WON' },
  ];
  pipelineId = (await bench.api.ok<{ id: string }>('POST', '/v1/pipelines', { name: 'Sales', stages })).id;
});
afterAll(() => bench.close());

const fields = (values: Json) =>
  Object.entries(values).map(([field, value]) => ({ field, value: JSON.stringify(value) }));

/** Steps that change the record of the run, or others. The last two always fail. */
function kinds(): Json[] {
  const deal = { type: 'deal', id: 'record.id' };
  const newDeal = fields({ title: 'New', pipelineId, stage: 'lead' });
  return [
    { update: { ...deal, fields: fields({ title: 'One', probability: 70 }) } },
    { update: { ...deal, fields: fields({ tags: ['flow'], amount: { currencyCode: 'EUR', amount: '12.50' } }) } },
    { update: { ...deal, fields: [{ field: 'title', value: `record.title + '!'` }] } },
    { moveStage: { stage: 'proposal', fields: [] } },
    { moveStage: { stage: 'won', fields: fields({ closeDate: '2026-12-24' }) } },
    { create: { type: 'deal', fields: newDeal } },
    { create: { type: 'customer', fields: fields({ kind: 'COMPANY', displayName: 'Jordan' }) } },
    { addNote: { text: `'About ' + record.title` } },
    { addTask: { subject: `'Call ' + record.title`, dueInSeconds: 3600, fields: [] } },
    { find: { type: 'deal', filter: `'id = ' + record.id` } },
    { set: { variables: [{ name: 'title', value: 'record.title' }] } },
    { wait: { seconds: 86_400 } },
    { update: { ...deal, fields: fields({ stage: 'nowhere' }) } },
    { create: { type: 'deal', fields: fields({ title: 'No pipeline' }) } },
  ];
}

test(
  'a trial and the run after it have the same steps, inputs, outputs and refusals',
  async () => {
    const seed = printedSeed('true-trials');
    let failed = 0;
    for (let flow = 0; flow < flows; flow += 1) {
      const drawn = drawnBy(seed + flow, kinds(), stepsEach);
      const definition = FlowDefinition.fromPartial({
        trigger: { manual: { type: 'deal' } },
        steps: drawn.map((step, index) => ({ key: `s${index}`, ...step })),
      });
      const deal = await bench.api.ok<Json & { id: string }>('POST', '/v1/deals', {
        title: 'Renewal',
        pipelineId,
        stage: 'lead',
      });
      const run = bench.run({ type: 'deal', id: deal.id });
      const record = await bench.record('deal', deal.id);
      const follow = (effects: EffectPort) =>
        followTrial(
          {
            ...{ tenantId: bench.api.tenant.tenantId, principalId: run.principalId, definition, hop: 1 },
            ...{ record: { type: 'deal', id: deal.id }, values: { record: record as never, input: {} } },
            start: new Date('2026-12-01T08:00:00Z'),
          },
          { effects, clock: { due: () => Promise.reject(new Error('No calendar.')) }, signal: bench.signal },
        );
      const tried = await follow(run.trial());
      const real = await follow(run.effects);
      if (real.status === 'FAILED') failed += 1;
      expect(comparable(tried, deal.id)).toEqual(comparable(real, deal.id));
    }
    printTally('true-trials', { flows, steps: flows * stepsEach, failed });
  },
  soakTimeoutMs,
);

/** Without the ids, times and versions that each write makes anew. */
function comparable({ rows, status, problem }: TriedRun, dealId: string): unknown {
  const made = /^[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
  const ignored = new Set(['etag', 'effectKey', 'undo', 'rank']);
  // Times of the clock of the trial are equal.
  const ofService = new Set(['createTime', 'updateTime', 'stageTime', 'closeTime', 'lastActivityTime']);
  const text = JSON.stringify({ rows, status, problem }, (name, value: unknown) => {
    if (ignored.has(name)) return undefined;
    if (ofService.has(name)) return 'time';
    if (name === 'records') return 'of the present';
    return typeof value === 'string' && made.test(value) && value !== dealId ? 'id' : value;
  });
  return JSON.parse(text);
}
