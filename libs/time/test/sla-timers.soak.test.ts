import { isDeepStrictEqual } from 'node:util';
import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { expect, test } from 'vitest';
import {
  advance,
  compacted,
  nextMomentMs,
  settle,
  type SlaDefinitions,
  type SlaState,
  type SlaTimerState,
} from '../src/index.js';
import { answersOf, haveEqualOffsets } from './oracle.js';
import { Random } from './random.js';
import { randomZones } from './random-calendars.js';
import {
  definitionsOf,
  historyDays,
  lookDays,
  randomWorkspace,
  type History,
  type Workspace,
} from './random-histories.js';

const sizes = {
  histories: sizeOf('SLA_HISTORIES', { short: 300, long: 200_000 }),
  zones: sizeOf('SLA_ZONES', { short: 10, long: 40 }),
};
const batchSize = 20;

interface Answer {
  metric: string;
  cycle: number;
  start: number;
  consumed: number;
  running: boolean;
  due: number | null;
  breach: number | null;
  end: string | null;
  endTime: number | null;
  /** By remaining time. */
  warned: (readonly [beforeMs: number, timeMs: number])[];
}

test(
  'timers of random histories equal, to the millisecond, those of an oracle that walks, and each warning and breach comes once',
  async () => {
    const random = new Random(printedSeed('sla-timers'));
    const zones = randomZones(random, sizes.zones);
    const tally = { histories: 0, events: 0, timers: 0, breaches: 0, warnings: 0, met: 0, undone: 0 };
    const differences: { workspace: Workspace; history: History; ours: Answer[]; oracles: Answer[] }[] = [];
    for await (const [workspace, answers] of answersOf<Workspace, Answer[][]>(
      'sla_oracle.py',
      workspaces(random, zones),
    )) {
      const known = definitionsOf(workspace);
      const lastMs = (workspace.fromSeconds + (historyDays + lookDays) * 86_400) * 1_000;
      workspace.cases.forEach((history, index) => {
        const { state, fired } = lived(history, known);
        const ours = state.timers.map((timer) => answerOf(timer, lastMs)).toSorted(byMetric);
        const oracles = answers[index]!.map((each) => ({ ...each, due: until(each.due, lastMs) })).toSorted(byMetric);
        tally.histories += 1;
        tally.events += history.events.length;
        tally.timers += ours.length;
        tally.breaches += fired.breaches;
        tally.warnings += fired.warnings;
        tally.met += ours.filter(({ end }) => end === 'ANSWERED').length;
        tally.undone += history.events.filter(({ changes }) => changes[0]?.kind.startsWith('UN')).length;
        if (JSON.stringify(ours) !== JSON.stringify(oracles)) differences.push({ workspace, history, ours, oracles });
      });
    }
    const otherDatabase = await withOtherOffsets(differences.map(({ workspace }) => workspace));
    const wrong = differences.filter((_, index) => !otherDatabase[index]);
    printTally('sla-timers', {
      ...tally,
      zones: zones.length,
      wrong: wrong.length,
      otherDatabase: differences.length - wrong.length,
    });
    expect(wrong.slice(0, 1).map(({ history, ours, oracles }) => ({ history, ours, oracles }))).toEqual([]);
    expect(differences.length - wrong.length).toBeLessThan(Math.max(tally.histories / 100, 25));
  },
  soakTimeoutMs,
);

function* workspaces(random: Random, zones: ReturnType<typeof randomZones>): Generator<Workspace> {
  for (let left = sizes.histories; left > 0; left -= batchSize) {
    yield randomWorkspace(random, zones, Math.min(left, batchSize));
  }
}

/**
 * The history as a service lives it, which looks whenever a timer is due and keeps what later events need: it ends as one in which
 * nothing looked.
 */
function lived({ events, endMs }: History, known: SlaDefinitions) {
  let counted: SlaState | undefined;
  let looked: SlaState | undefined;
  const fired = { breaches: 0, warnings: 0 };
  const lookUntil = (state: SlaState, toMs: number): SlaState => {
    let next = state;
    for (let atMs = nextMomentMs(next); atMs !== undefined && atMs <= toMs; atMs = nextMomentMs(next)) {
      const before = next;
      next = settle(before, atMs, known);
      const came = firedBy(next) - firedBy(before);
      // `expect` takes longer than what it compares.
      if (came <= 0) expect.fail('A due moment has no effect.');
      if (!next.timers.every(({ breachMs }, at) => breachMs === before.timers[at]!.breachMs || breachMs === atMs)) {
        expect.fail('A breach has another time than its due time.');
      }
      fired.breaches += next.timers.filter(({ breachMs }, index) => breachMs !== before.timers[index]!.breachMs).length;
      fired.warnings += came;
    }
    return next;
  };
  const written = new Map<string, SlaTimerState>();
  const keep = (next: SlaState) => {
    for (const timer of next.timers) written.set(`${timer.metric} ${timer.cycle}`, timer);
    return compacted(next);
  };
  for (const event of events) {
    counted = advance(counted, event, known);
    looked = keep(advance(looked && lookUntil(looked, event.timeMs), event, known));
  }
  const state = settle(counted!, endMs, known);
  keep(settle(lookUntil(looked!, endMs), endMs, known));
  const [stored, last] = [[...written.values()].toSorted(byMetric), state.timers.toSorted(byMetric)];
  // `toEqual` takes longer, and shows the difference.
  if (!isDeepStrictEqual(stored, last)) expect(stored).toEqual(last);
  fired.warnings -= fired.breaches;
  return { state, fired };
}

/** How many warnings and breaches there have been. */
function firedBy({ timers }: SlaState): number {
  return timers.reduce((sum, { warnings, breachMs }) => sum + warnings.length + (breachMs === undefined ? 0 : 1), 0);
}

function answerOf(timer: SlaTimerState, lastMs: number): Answer {
  return {
    ...{ metric: timer.metric, cycle: timer.cycle, start: timer.startMs, consumed: timer.consumedMs },
    ...{ running: timer.phase === 'RUNNING', due: until(timer.dueMs, lastMs), breach: timer.breachMs ?? null },
    ...{ end: timer.end ?? null, endTime: timer.endMs ?? null },
    warned: timer.warnings.toSorted(([one], [other]) => one - other),
  };
}

/** A due time, if the oracle looks as far. */
function until(dueMs: number | null | undefined, lastMs: number): number | null {
  return dueMs !== null && dueMs !== undefined && dueMs <= lastMs ? dueMs : null;
}

function byMetric(one: Pick<Answer, 'metric' | 'cycle'>, other: Pick<Answer, 'metric' | 'cycle'>): number {
  return one.metric === other.metric ? one.cycle - other.cycle : one.metric < other.metric ? -1 : 1;
}

/** Which workspaces have zones that differ between the databases of Node and Python. */
async function withOtherOffsets(found: readonly Workspace[]): Promise<boolean[]> {
  const answers: boolean[] = [];
  for (const { calendars, fromSeconds, days } of found) {
    const spans = Object.values(calendars).map(({ zone }) => ({
      ...{ zone, first: fromSeconds - 5 * 86_400, last: fromSeconds + (days + 5) * 86_400 },
    }));
    answers.push((await haveEqualOffsets(spans)).includes(false));
  }
  return answers;
}
