import { randomUUID } from 'node:crypto';
import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { noteEvents } from '../../../src/flows/runs/note-events.js';
import { create, FlowEngine } from './flow-engine.ts';
import { stuckRuns } from './flow-invariants.ts';
import { drawsOf } from './random-flow.ts';

const runCount = sizeOf('RACED_RUNS', { short: 40, long: 10_000 });

let engine: FlowEngine;

beforeAll(async () => {
  engine = await FlowEngine.start();
  engine.work();
});
afterAll(() => engine.stop());

test(
  'of events, timeouts and the run itself in any order, exactly one branch is taken, and no event slips past',
  async () => {
    const below = drawsOf(printedSeed('flow-waits'));
    const branch = (event: string) => ({ condition: `steps.heard.event == '${event}'`, steps: [create(event)] });
    const flow = await engine.flow('raced', {
      steps: [
        { key: 'before', wait: { until: "now + duration('0.03s')" } },
        {
          key: 'heard',
          listen: { events: ['one', 'two'].map((key) => ({ key, signal: key })), timeoutSeconds: 1 },
        },
        { key: 'choice', switch: { cases: [branch('one'), branch('two'), branch('timeout')] } },
      ],
    });
    const tally: Record<string, number> = {};
    const race = async () => {
      const runId = await engine.run(flow);
      const sent = ['one', 'two'].filter(() => below(3) > 0);
      await Promise.all(sent.map((key) => pause(below(1_500)).then(() => send(runId, key))));
      const patience = { timeout: soakTimeoutMs, interval: 200 };
      await expect.poll(() => engine.stateOf(runId), patience).toBe('SUCCEEDED');
      const taken = [...engine.port.effects.values()].filter((call) => call.runId === runId);
      expect(taken).toHaveLength(1);
      const [branchTaken = ''] = taken.map(({ step }) => step.key);
      if (branchTaken === 'timeout') {
        // What came first was too late: the run had ended its wait.
        const [{ late } = { late: true }] = await engine.query<{ late: boolean }>(
          `select coalesce(bool_and(seen.time > step.end_time), true) as late
           from unnest($2::timestamptz[]) as seen (time), flow_step_run step
           where step.run_id = $1 and step.key = 'heard'`,
          [runId, noted.filter((event) => event.runId === runId).map(({ time }) => time)],
        );
        expect(late).toBe(true);
      } else {
        expect(sent).toContain(branchTaken);
      }
      tally[branchTaken] = (tally[branchTaken] ?? 0) + 1;
    };
    for (let count = 0; count < runCount; count += 40) {
      await Promise.all(Array.from({ length: Math.min(40, runCount - count) }, race));
    }
    expect(await engine.query(stuckRuns)).toEqual([]);
    printTally('flow-waits', { runs: runCount, ...tally });
  },
  soakTimeoutMs,
);

/** When an event was committed, by the clock of the database. */
const noted: { runId: string; time: string }[] = [];

async function send(runId: string, key: string): Promise<void> {
  const { tenantId } = engine;
  const time = new Date().toISOString();
  await engine.transaction(async (client) => {
    const event = { tenantId, runId, target: 'heard', eventKey: key, eventId: randomUUID(), time, data: {} };
    await noteEvents(client, engine.parts.envelope, [event]);
    const { rows } = await client.query<{ time: string }>('select clock_timestamp()::text as time');
    noted.push({ runId, time: rows[0]!.time });
  });
  engine.worker?.wake();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
