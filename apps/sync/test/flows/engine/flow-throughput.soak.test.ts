import { printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FlowEngine } from './flow-engine.ts';

const runCount = sizeOf('FLOW_RUNS', { short: 12, long: 2_000 });
const stepsEach = 25;

let engine: FlowEngine;

beforeAll(async () => {
  engine = await FlowEngine.start();
});
afterAll(() => engine.stop());

test(
  'runs of pure steps end, each step once',
  async () => {
    const set = (key: string) => ({ key, set: { variables: [{ name: 'total', value: '1 + 2' }] } });
    const steps = Array.from({ length: stepsEach }, (_, index) => set(`k${index}`));
    const flow = await engine.flow('pure', { steps });
    for (let count = 0; count < runCount; count += 200) {
      await engine.begin(Array.from({ length: Math.min(200, runCount - count) }, () => engine.newRun(flow)));
    }
    const start = performance.now();
    engine.work();
    const ended = () =>
      engine.query(
        `select count(*)::int as count from flow_run where state = 'SUCCEEDED' and step_count = ${stepsEach}`,
      );
    await expect.poll(ended, { timeout: 600_000, interval: 50 }).toEqual([{ count: runCount }]);
    const seconds = (performance.now() - start) / 1_000;
    const count = runCount * stepsEach;
    expect(await engine.query('select count(*)::int as count from flow_step_run')).toEqual([{ count }]);
    printTally('flow-throughput', {
      steps: count,
      seconds: seconds.toFixed(2),
      perSecond: Math.round(count / seconds),
    });
  },
  soakTimeoutMs,
);
