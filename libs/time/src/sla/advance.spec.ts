import { expect, test } from 'vitest';
import { CompiledCalendar } from '../calendars/compiled-calendar.js';
import { advance, nextMomentMs, settle } from './advance.js';
import type { SlaDefinitions, SlaMetric, SlaTarget } from './sla-policy.js';
import type { SlaChange, SlaState } from './sla-state.js';

const hourMs = 3_600_000;
const at = (text: string) => Date.parse(text);
const office = new CompiledCalendar({
  zone: 'Europe/Berlin',
  weekly: ([1, 2, 3, 4, 5] as const).map((day) => ({ day, opens: '09:00', closes: '17:00' })),
  exceptions: [],
});

/** Targets in Berlin's office hours. */
const target = (metric: SlaMetric, hours: number, more: Partial<SlaTarget> = {}): SlaTarget => ({
  ...{ metric, withinMs: hours * hourMs, calendarId: 'office', pauseIn: ['PENDING'], countMachine: false },
  ...{ warnBeforeMs: [], onReopen: 'CONTINUE', ...more },
});

/** A ticket of a customer, opened on Monday at 16:00, whose policy has the targets. */
function ticket(targets: SlaTarget[], by: 'CUSTOMER' | 'AGENT' = 'CUSTOMER') {
  const known: SlaDefinitions = {
    policy: (key) => (key === 'p' ? { targets } : { targets: [] }),
    calendar: () => office,
  };
  let state: SlaState | undefined;
  const happens = (time: string, ...changes: SlaChange[]) => {
    state = advance(state, { id: time, timeMs: at(time), changes }, known);
    return state.timers;
  };
  happens(
    '2026-11-30T15:00Z',
    { kind: 'CREATED', category: 'NEW', priority: 'NORMAL', by },
    { kind: 'CALENDARS', calendars: { office: 'office@1' } },
    { kind: 'POLICY', policy: 'p' },
  );
  return { happens, settle: (time: string) => settle(state!, at(time), known), state: () => state! };
}

const status = (category: 'OPEN' | 'PENDING' | 'SOLVED'): SlaChange => ({ kind: 'STATUS', category });
const reply = (by: 'HUMAN' | 'MACHINE' = 'HUMAN'): SlaChange => ({ kind: 'PUBLIC_REPLY', by });
const message: SlaChange = { kind: 'CUSTOMER_MESSAGE' };

test('a paused timer keeps its consumed time, and is due the rest of it after it goes on', () => {
  const { happens } = ticket([target('RESOLUTION', 4)]);
  expect(happens('2026-11-30T15:30Z', status('PENDING'))[0]).toMatchObject({
    consumedMs: hourMs / 2,
    dueMs: undefined,
  });
  expect(happens('2026-12-02T08:00Z', status('OPEN'))[0]).toMatchObject({
    dueMs: at('2026-12-02T11:30Z'),
    segments: [{ state: 'RUNNING' }, { state: 'PAUSED' }, { state: 'RUNNING', cause: '2026-12-02T08:00Z' }],
  });
});

test('a machine answers only if that counts, and an answer at the due time is late', () => {
  const { happens } = ticket([target('FIRST_RESPONSE', 1)]);
  expect(happens('2026-11-30T15:10Z', reply('MACHINE'))[0]).toMatchObject({ phase: 'RUNNING' });
  expect(happens('2026-11-30T16:00Z', reply())[0]).toMatchObject({
    end: 'ANSWERED',
    breachMs: at('2026-11-30T16:00Z'),
  });
  const counting = ticket([target('FIRST_RESPONSE', 1, { countMachine: true })]);
  expect(counting.happens('2026-11-30T15:10Z', reply('MACHINE'))[0]).toMatchObject({ end: 'ANSWERED' });
});

test('the next response is owed since the oldest unanswered message, and no more once the ticket is solved', () => {
  const { happens } = ticket([target('NEXT_RESPONSE', 2)]);
  expect(happens('2026-11-30T15:10Z', message)).toEqual([]);
  happens('2026-11-30T15:20Z', reply());
  happens('2026-11-30T15:30Z', message);
  expect(happens('2026-11-30T15:40Z', message)).toMatchObject([{ startMs: at('2026-11-30T15:30Z') }]);
  expect(happens('2026-11-30T15:50Z', status('SOLVED'))).toMatchObject([{ phase: 'ENDED', end: 'SOLVED' }]);
  expect(happens('2026-11-30T15:55Z', status('OPEN'))).toHaveLength(1);
});

test('an agent who opens a ticket owes a first response to the first message of the customer', () => {
  const { happens } = ticket([target('FIRST_RESPONSE', 1), target('PERIODIC_UPDATE', 3)], 'AGENT');
  expect(happens('2026-11-30T15:10Z', reply())).toMatchObject([
    { metric: 'PERIODIC_UPDATE', dueMs: at('2026-12-01T10:10Z') },
  ]);
  expect(happens('2026-11-30T15:20Z', message)[1]).toMatchObject({
    metric: 'FIRST_RESPONSE',
    dueMs: at('2026-12-01T08:20Z'),
  });
});

test('a reopened ticket continues with what was consumed and breached, or starts anew', () => {
  const continued = ticket([target('RESOLUTION', 1)]);
  continued.happens('2026-12-01T10:00Z', status('SOLVED'));
  expect(continued.happens('2026-12-02T10:00Z', status('OPEN'))).toMatchObject([
    { end: 'SOLVED', consumedMs: 3 * hourMs, breachMs: at('2026-11-30T16:00Z') },
    { cycle: 2, phase: 'RUNNING', consumedMs: 3 * hourMs, breachMs: at('2026-11-30T16:00Z') },
  ]);
  expect(nextMomentMs(continued.state())).toBeUndefined();
  const restarted = ticket([target('RESOLUTION', 1, { onReopen: 'RESTART' })]);
  restarted.happens('2026-12-01T10:00Z', status('SOLVED'));
  expect(restarted.happens('2026-12-02T10:00Z', status('OPEN'))[1]).toMatchObject({
    consumedMs: 0,
    dueMs: at('2026-12-02T11:00Z'),
  });
});

test('another target keeps what was consumed, and a breach', () => {
  const { happens } = ticket([target('RESOLUTION', 8), target('RESOLUTION', 1, { priority: 'URGENT' })]);
  happens('2026-12-01T09:00Z', { kind: 'PRIORITY', priority: 'URGENT' });
  expect(happens('2026-12-01T10:00Z', { kind: 'PRIORITY', priority: 'LOW' })[0]).toMatchObject({
    consumedMs: 3 * hourMs,
    breachMs: at('2026-12-01T09:00Z'),
  });
});

test('warnings and the breach have happened when they were due, however late it is', () => {
  const { settle: look } = ticket([target('RESOLUTION', 4, { warnBeforeMs: [hourMs, 2 * hourMs, 9 * hourMs] })]);
  expect(look('2027-01-04T00:00Z').timers[0]).toMatchObject({
    breachMs: at('2026-12-01T11:00Z'),
    warnings: [
      [9 * hourMs, at('2026-11-30T15:00Z')],
      [2 * hourMs, at('2026-12-01T09:00Z')],
      [hourMs, at('2026-12-01T10:00Z')],
    ],
  });
});

test('a merge cancels the timers, and leaves no trace once it is undone', () => {
  const merged = ticket([target('RESOLUTION', 4)]);
  expect(merged.happens('2026-11-30T15:30Z', { kind: 'MERGED' })[0]).toMatchObject({
    end: 'MERGED',
    endCause: '2026-11-30T15:30Z',
  });
  merged.happens('2026-11-30T15:40Z', status('PENDING'));
  merged.happens('2026-12-01T08:30Z', { kind: 'UNMERGED' });
  const other = ticket([target('RESOLUTION', 4)]);
  other.happens('2026-11-30T15:40Z', status('PENDING'));
  expect(merged.state()).toEqual(other.settle('2026-12-01T08:30Z'));
});

test('a policy that comes later counts from the start, and breaches when it comes', () => {
  const { happens, settle: look } = ticket([target('RESOLUTION', 1)]);
  happens('2026-11-30T15:30Z', { kind: 'POLICY' });
  const [timer] = happens('2026-12-01T10:00Z', { kind: 'POLICY', policy: 'p' }).slice(-1);
  expect(timer).toMatchObject({ cycle: 2, startMs: at('2026-11-30T15:00Z'), consumedMs: 3 * hourMs });
  expect(look('2026-12-01T10:00Z').timers[1]).toMatchObject({ breachMs: at('2026-12-01T10:00Z') });
});
