import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { leaveFlow } from '../../../src/flows/enrollments/leave-flow.js';
import type { ExitReason } from '../../../src/flows/enrollments/end-enrollment.js';
import { CutProcess, type CutMode } from '../kills/cut-process.ts';
import { create, FlowEngine } from './flow-engine.ts';
import { stuckRuns } from './flow-invariants.ts';
import { drawsOf } from './random-flow.ts';

const customers = sizeOf('JOURNEY_CUSTOMERS', { short: 30, long: 10_000 });
const workers = 3;
const modes = ['BEFORE', 'SENT', 'AFTER'] as const;
/** Mean number of statements and effects after which a process dies. */
const meanLife = sizeOf('JOURNEY_LIFE', { short: 40, long: 400 });

const steps = [create('hello'), { key: 'soon', wait: { until: "now + duration('0.02s')" } }, create('goodbye')];

let engine: FlowEngine;

beforeAll(async () => {
  // Each death is logged by the worker that it ends.
  Logger.overrideLogger(false);
  engine = await FlowEngine.start();
});
afterAll(() => engine.stop());

test(
  'customers that enter a journey again and again amid dying processes are in it once, and each step acts once',
  async () => {
    const below = drawsOf(printedSeed('journeys'));
    const { flow, goals, exits } = await journey(below);
    const everyone = Array.from({ length: customers }, () => randomUUID());
    for (const id of everyone) if (below(10) === 0) goals.add(id);
    const processes = new Processes(below);
    await processes.fill();
    const refused = await enterAll(flow, everyone, below);
    await processes.untilEnded();
    await processes.stop();

    const rows = await engine.query<{ customer: string; state: string; reason: string | null; run: string }>(
      `select customer_id as customer, state, exit_reason as reason, run_id as run from flow_enrollment
       where flow_id = $1`,
      [flow.flowId],
    );
    expect(rows.map(({ customer }) => customer).toSorted()).toEqual(everyone.toSorted());
    expect(await engine.query('select id from flow_run where flow_id = $1', [flow.flowId])).toHaveLength(customers);
    expect(await engine.query(stuckRuns)).toEqual([]);
    const acted = Map.groupBy(engine.port.effects.values(), (call) => call.runId);
    for (const { customer, state, reason, run } of rows) {
      const keys = (acted.get(run) ?? []).map(({ step }) => step.key).toSorted();
      if (goals.has(customer)) {
        expect({ state, reason, keys }).toEqual({ state: 'EXITED', reason: 'GOAL', keys: [] });
      } else if (exits.has(run)) {
        expect({ state, reason }).toEqual({ state: 'EXITED', reason: exits.get(run) });
        expect(new Set(keys).size).toBe(keys.length);
      } else {
        expect({ state, reason, keys }).toEqual({ state: 'COMPLETED', reason: null, keys: ['goodbye', 'hello'] });
      }
    }
    printTally('journeys', {
      ...{ customers, refused, deaths: processes.deaths, goals: goals.size, exits: exits.size },
      effects: engine.port.effects.size,
    });
  },
  soakTimeoutMs,
);

/** A journey whose goal some customers have reached, and which changes let others leave. */
async function journey(below: (limit: number) => number) {
  const flow = await engine.flow('journey', {
    ...{ kind: 'JOURNEY', trigger: { manual: { type: 'customer' } }, enrollment: { goal: 'tags:vip' } },
    steps,
  });
  const goals = new Set<string>();
  const exits = new Map<string, ExitReason>();
  engine.parts.gate.reasonOf = ({ enrollment }) =>
    Promise.resolve(enrollment && goals.has(enrollment.customerId) ? 'GOAL' : undefined);
  engine.port.after = async ({ runId, tenantId, step }) => {
    if (step.key !== 'hello' || exits.has(runId) || below(20) !== 0) return;
    const reason = 'EXIT_FILTER';
    const hasLeft = await engine.transaction((client) => leaveFlow(client, engine.parts, { tenantId, runId, reason }));
    if (hasLeft) exits.set(runId, reason);
  };
  return { flow, goals, exits };
}

/** Lets each customer enter, some several times and at once. @returns how often a customer was refused */
async function enterAll(
  flow: Awaited<ReturnType<FlowEngine['flow']>>,
  everyone: readonly string[],
  below: (limit: number) => number,
): Promise<number> {
  let refused = 0;
  const open = [...everyone];
  const enterNext = async (): Promise<void> => {
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      const run = engine.newRun(flow, { record: { type: 'customer', id } });
      const entries = Array.from({ length: 1 + below(3) }, () => engine.begin([run]));
      const outcomes = (await Promise.all(entries)).flat();
      expect(outcomes.filter((outcome) => 'runId' in outcome)).toHaveLength(1);
      refused += outcomes.length - 1;
    }
  };
  await Promise.all(Array.from({ length: 4 }, enterNext));
  return refused;
}

/** Makes jobs due at once. Two deaths may end the same leases, so they lock them in one order. */
async function endLeases(condition: string): Promise<void> {
  await engine.query(
    `update flow_job set due_time = clock_timestamp()
     where run_id in (select run_id from flow_job where ${condition} order by run_id for update)`,
  );
}

/** Processes that advance runs. Each dies after a while, and another one takes its place. */
class Processes {
  deaths = 0;
  readonly #living = new Set<CutProcess>();
  readonly #ends: Promise<void>[] = [];
  #isOver = false;

  constructor(private readonly below: (limit: number) => number) {}

  async fill(): Promise<void> {
    while (!this.#isOver && this.#living.size < workers) {
      const mode: CutMode = modes[this.below(modes.length)]!;
      const process = new CutProcess(engine.urls.appUrl, engine.parts, { at: 1 + this.below(2 * meanLife), mode });
      this.#living.add(process);
      await process.start();
      void process.died.then(() => this.#ends.push(this.#replace(process)));
    }
  }

  async #replace(process: CutProcess): Promise<void> {
    if (!this.#living.delete(process)) return;
    this.deaths += 1;
    await process.stop();
    // Its leases end, and so do those of the others: effects that are under way are performed again under their keys.
    await endLeases('claim_id is not null');
    await this.fill();
  }

  async untilEnded(): Promise<void> {
    const open = async () => {
      // A claim that was committed after the death of its process.
      await endLeases(`claim_id is not null and due_time < clock_timestamp() + interval '58 s'`);
      const [row] = await engine.query<{ count: number }>('select count(*)::int as count from flow_job');
      return row?.count;
    };
    await expect.poll(open, { timeout: soakTimeoutMs, interval: 200 }).toBe(0);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#ends);
    await Promise.all([...this.#living].map((process) => process.stop()));
  }
}
