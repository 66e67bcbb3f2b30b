import {
  advance,
  CompiledCalendar,
  nextMomentMs,
  type CalendarRule,
  type SlaCategory,
  type SlaChange,
  type SlaDefinitions,
  type SlaEvent,
  type SlaMetric,
  type SlaPolicyVersion,
  type SlaPriority,
  type SlaState,
  type SlaTarget,
} from '../src/index.js';
import type { Random } from './random.js';
import { randomCalendar, randomTime, type Zone } from './random-calendars.js';

const minuteMs = 60_000;
const dayMs = 1_440 * minuteMs;

const categories: readonly SlaCategory[] = ['NEW', 'OPEN', 'OPEN', 'PENDING', 'PENDING', 'ON_HOLD', 'SOLVED', 'CLOSED'];
const priorities: readonly SlaPriority[] = ['LOW', 'NORMAL', 'HIGH', 'URGENT'];
const metrics: readonly SlaMetric[] = [
  'FIRST_RESPONSE',
  'NEXT_RESPONSE',
  'PERIODIC_UPDATE',
  'RESOLUTION',
  'AGENT_WORK',
];
/** Versions of two calendars. */
const calendarKeys = ['a@1', 'a@2', 'b@1', 'b@2'];

/** How long a history is, and how far the oracle looks beyond it. */
export const historyDays = 40;
export const lookDays = 30;

export interface History {
  events: readonly SlaEvent[];
  endMs: number;
}

/** Histories of tickets with the policies and calendars of their workspace. */
export interface Workspace {
  fromSeconds: number;
  days: number;
  calendars: Record<string, CalendarRule>;
  policies: Record<string, SlaPolicyVersion>;
  cases: History[];
}

export function randomWorkspace(random: Random, zones: readonly Zone[], histories: number): Workspace {
  const zone = random.pick(zones);
  const fromSeconds = randomTime(random, zone);
  const calendars = Object.fromEntries(
    calendarKeys.map((key) => {
      const own = random.chance(0.3) ? random.pick(zones) : zone;
      return [key, randomCalendar(random, own, fromSeconds + random.below(historyDays) * 86_400)];
    }),
  );
  const policies = Object.fromEntries(['p@1', 'p@2', 'q@1'].map((key) => [key, randomPolicy(random)]));
  const workspace = { fromSeconds, days: historyDays + lookDays, calendars, policies, cases: [] as History[] };
  const known = definitionsOf(workspace);
  for (let left = histories; left > 0; left -= 1)
    workspace.cases.push(randomHistory(random, fromSeconds * 1_000, known));
  return workspace;
}

export function definitionsOf({ calendars, policies }: Pick<Workspace, 'calendars' | 'policies'>): SlaDefinitions {
  const compiled = new Map(Object.entries(calendars).map(([key, rule]) => [key, new CompiledCalendar(rule)]));
  return { policy: (key) => policies[key]!, calendar: (key) => compiled.get(key)! };
}

function randomPolicy(random: Random): SlaPolicyVersion {
  const targets = metrics.flatMap((metric) => {
    if (random.chance(0.2)) return [];
    const own = random.chance(0.5) ? [randomTarget(random, metric, random.pick(priorities))] : [];
    return random.chance(0.85) ? [...own, randomTarget(random, metric, undefined)] : own;
  });
  return { targets };
}

function randomTarget(random: Random, metric: SlaMetric, priority: SlaPriority | undefined): SlaTarget {
  const unit = random.pick([1_000, minuteMs, 30 * minuteMs]);
  const withinMs = unit * (1 + random.below(Math.min(4 * dayMs, 300 * unit) / unit));
  return {
    ...{ metric, priority, withinMs },
    calendarId: random.chance(0.25) ? undefined : random.pick(['a', 'a', 'b']),
    pauseIn: random.chance(0.4) ? [] : [...new Set([random.pick(categories), random.pick(categories)])],
    countMachine: random.chance(0.3),
    warnBeforeMs: Array.from(
      new Set(Array.from({ length: random.below(4) }, () => 1_000 * (1 + random.below(withinMs / 800)))),
    ),
    onReopen: random.pick(['CONTINUE', 'RESTART']),
  };
}

function randomHistory(random: Random, fromMs: number, known: SlaDefinitions): History {
  const first: SlaChange = {
    ...{ kind: 'CREATED', category: random.pick(['NEW', 'NEW', 'NEW', 'OPEN', 'PENDING', 'SOLVED']) },
    ...{ priority: random.pick(priorities), by: random.pick(['CUSTOMER', 'CUSTOMER', 'AGENT']) },
  };
  const calendars: SlaChange = { kind: 'CALENDARS', calendars: { a: 'a@1', b: 'b@1' } };
  const policy: SlaChange[] = random.chance(0.8) ? [{ kind: 'POLICY', policy: random.pick(['p@1', 'q@1']) }] : [];
  const events: SlaEvent[] = [
    { id: '0', timeMs: fromMs + random.below(dayMs), changes: [first, calendars, ...policy] },
  ];
  let state = advance(undefined, events[0]!, known);
  const count = 3 + random.below(22);
  while (events.length < count) {
    const timeMs = nextTime(random, state);
    if (timeMs > fromMs + historyDays * dayMs) break;
    const event = { id: String(events.length), timeMs, changes: randomChanges(random, state) };
    events.push(event);
    state = advance(state, event, known);
  }
  return { events, endMs: state.settledMs + random.below(random.pick([1, minuteMs, 3 * dayMs])) };
}

/** Often at the time at which a timer is due, or close to it. */
function nextTime(random: Random, state: SlaState): number {
  const momentMs = nextMomentMs(state);
  if (momentMs !== undefined && random.chance(0.3)) {
    return Math.max(state.settledMs, momentMs + random.pick([-1_000, -1, 0, 0, 1, 1_000]));
  }
  if (random.chance(0.1)) return state.settledMs;
  const unit = random.pick([1, 1_000, 1_000, minuteMs]);
  return state.settledMs + unit * random.below(Math.ceil(random.pick([minuteMs, 600 * minuteMs, 3 * dayMs]) / unit));
}

function randomChanges(random: Random, { suspended }: SlaState): SlaChange[] {
  if (suspended && random.chance(0.5)) return [{ kind: suspended.by === 'MERGED' ? 'UNMERGED' : 'UNDELETED' }];
  if (!suspended && random.chance(0.04)) return [{ kind: random.pick(['MERGED', 'MERGED', 'DELETED']) }];
  const changes = [randomChange(random)];
  while (random.chance(0.25)) changes.push(randomChange(random));
  return changes;
}

function randomChange(random: Random): SlaChange {
  switch (random.below(10)) {
    case 0:
      return { kind: 'PRIORITY', priority: random.pick(priorities) };
    case 1:
      return { kind: 'POLICY', policy: random.chance(0.2) ? undefined : random.pick(['p@1', 'p@2', 'q@1']) };
    case 2:
      return {
        kind: 'CALENDARS',
        calendars: random.pick<Record<string, string>>([{ a: 'a@2' }, { a: 'a@1' }, { b: 'b@2' }]),
      };
    case 3:
    case 4:
      return { kind: 'CUSTOMER_MESSAGE' };
    case 5:
    case 6:
      return { kind: 'PUBLIC_REPLY', by: random.pick(['HUMAN', 'HUMAN', 'MACHINE']) };
    default:
      return { kind: 'STATUS', category: random.pick(categories) };
  }
}
