import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { v7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cancelTimers, setTimer, type TimerRequest } from '../src/index.js';
import { timerDatabase, type TimerDatabase } from './timer-database.js';

const sizes = {
  timers: sizeOf('TIMERS', { short: 400, long: 10_000 }),
  tenants: sizeOf('TIMER_TENANTS', { short: 8, long: 50 }),
  processes: sizeOf('TIMER_PROCESSES', { short: 2, long: 3 }),
  kills: sizeOf('TIMER_KILLS', { short: 1, long: 12 }),
  prompt: sizeOf('PROMPT_TIMERS', { short: 0, long: 500 }),
};
const hour = 3_600;

let database: TimerDatabase;

beforeAll(async () => {
  database = await timerDatabase();
});
afterAll(() => database.close());

test(
  'each timer fires exactly once with its due time, over kills, lost connections, steps of the clock and an outage',
  async () => {
    let state = printedSeed('timers');
    const below = (limit: number) => (state = (state * 48_271 + 11) % 2_147_483_647) % limit;
    const tenants = Array.from({ length: sizes.tenants }, () => v7());
    const startMs = Date.now();
    // A third is of one tenant, and all become due while nothing runs, or while processes die.
    const requests = Array.from({ length: sizes.timers }, (): TimerRequest => ({
      tenantId: below(3) === 0 ? tenants[0]! : tenants[below(tenants.length)]!,
      kind: 'effect',
      recordType: 'task',
      recordId: v7(),
      purpose: 'due',
      dueTime: new Date(startMs + below(2 * hour * 1_000)),
      payload: below(20) === 0 ? { failing: 0.3 } : {},
    }));
    for (const tenantId of tenants) {
      const own = requests.filter((request) => request.tenantId === tenantId);
      await database.inTenant(tenantId, async (em) => {
        for (const request of own) await setTimer(em, request);
      });
    }
    const cancelled = new Set<string>();
    const tally = { kills: 0, connections: 0, steps: 0, cancels: 0 };
    let processes: ChildProcess[] = [];
    for (let round = 0; round < sizes.kills; round += 1) {
      processes = await Promise.all(Array.from({ length: sizes.processes }, () => startProcess()));
      // Forward by up to two hours, and back.
      await database.shift(below(2 * hour) - hour / 2);
      tally.steps += 1;
      // Workers are killed, and their connections cut, at random moments of their work.
      await delay(below(400));
      tally.connections += await cutConnections();
      for (let index = 0; index < sizes.timers / 100; index += 1) {
        const { tenantId, recordType, recordId } = requests[below(requests.length)]!;
        await database.inTenant(tenantId, (em) => cancelTimers(em, { tenantId, recordType, recordId }));
        cancelled.add(recordId);
        tally.cancels += 1;
      }
      // Likewise.
      await delay(below(400));
      await endAll(processes, 'SIGKILL');
      tally.kills += processes.length;
    }
    // An outage of two hours.
    await database.shift(4 * hour);
    processes = await Promise.all(Array.from({ length: sizes.processes }, () => startProcess()));
    await expect.poll(() => database.rows('select 1 from timer_job limit 1'), { timeout: 600_000 }).toEqual([]);
    const prompt = await firePromptly(tenants);
    await endAll(processes, 'SIGTERM');

    const faults = await faultsOf(requests, cancelled);
    printTally('timers', { timers: requests.length, ...tally, ...prompt, faults: faults.length });
    expect(faults.slice(0, 5)).toEqual([]);
  },
  soakTimeoutMs,
);

/** None has ended by itself, whatever became of its connections. */
async function endAll(processes: ChildProcess[], signal: NodeJS.Signals): Promise<void> {
  expect(processes.map(({ exitCode }) => exitCode)).toEqual(processes.map(() => null));
  await Promise.all(
    processes.map((each) => {
      const exit = once(each, 'exit');
      each.kill(signal);
      return exit;
    }),
  );
}

async function startProcess(): Promise<ChildProcess> {
  const script = join(import.meta.dirname, 'timer-process.mjs');
  const child = spawn(process.execPath, [script, database.urls.appUrl], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`A process of the test ended with ${String(code)} before it was ready.`);
  });
  await Promise.race([once(child.stdout, 'data'), ended]);
  // Its end later is the test's doing, which `endAll` checks.
  ended.catch(() => undefined);
  return child;
}

/** Ends the connections of all workers, as a server that crashes does. @returns how many */
async function cutConnections(): Promise<number> {
  const rows = await database.rows(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and state = 'idle in transaction'`,
  );
  return rows.length;
}

/** The lateness of timers that become due while workers wait for them. */
async function firePromptly(tenants: string[]): Promise<Record<string, string>> {
  if (sizes.prompt === 0) return {};
  const records = new Set<string>();
  for (let index = 0; index < sizes.prompt; index += 1) {
    const dueTime = new Date(Date.now() + 4 * hour * 1_000 + 1_000 + index * 20);
    const recordId = v7();
    records.add(recordId);
    const tenantId = tenants[index % tenants.length]!;
    await database.set({ tenantId, kind: 'effect', recordType: 'prompt', recordId, purpose: 'due', dueTime });
  }
  await expect.poll(() => database.rows('select 1 from timer_job limit 1'), { timeout: 600_000 }).toEqual([]);
  const rows = await database.rows<{ record_id: string; late_seconds: number }>(
    'select record_id, late_seconds from effect',
  );
  const late = rows.filter(({ record_id }) => records.has(record_id)).map(({ late_seconds }) => late_seconds);
  const sorted = late.toSorted((one, other) => one - other);
  expect(sorted).toHaveLength(sizes.prompt);
  return { latenessP99: `${sorted[Math.floor(sorted.length * 0.99)]!.toFixed(3)} s` };
}

/** Timers that did not fire, fired twice or with another time, or fired after their cancellation. */
async function faultsOf(requests: TimerRequest[], cancelled: ReadonlySet<string>): Promise<unknown[]> {
  const rows = await database.rows<{ record_id: string; due: number; effects: string; wrong: string; state: string }>(
    `select record_id, (extract(epoch from due_time) * 1000)::float8 as due, state,
       (select count(*) from effect where effect.record_id = timer.record_id) as effects,
       (select count(*) from effect where effect.record_id = timer.record_id
          and effect.due_time <> timer.due_time) as wrong
     from timer where record_type = 'task'`,
  );
  const timers = new Map(rows.map((row) => [row.record_id, row]));
  return requests.filter(({ recordId, dueTime }) => {
    const timer = timers.get(recordId);
    if (timer?.due !== dueTime.getTime() || timer.wrong !== '0') return true;
    if (timer.state === 'CANCELLED') return !cancelled.has(recordId) || timer.effects !== '0';
    return timer.state !== 'FIRED' || timer.effects !== '1';
  });
}
