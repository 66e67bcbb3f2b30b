import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { expect, test } from 'vitest';
import { businessDuration, calendarFaults, CompiledCalendar, dueAt, type CalendarRule } from '../src/index.js';
import { answersOf, haveEqualOffsets } from './oracle.js';
import { Random } from './random.js';
import { randomCalendar, randomTime, randomZones, type Zone } from './random-calendars.js';

const sizes = {
  calendars: sizeOf('BUSINESS_CALENDARS', { short: 800, long: 200_000 }),
  zones: sizeOf('BUSINESS_ZONES', { short: 25, long: 1_000 }),
};
const batchSize = 100;
/** How far the oracle walks. */
const walkDays = 30;

interface Case {
  calendar: CalendarRule;
  /** Seconds since 1970, and how long. */
  from: number;
  to: number;
  duration: number;
  days: number;
}

test(
  'business time of random calendars equals, to the second, that of an oracle that walks from window to window',
  async () => {
    const random = new Random(printedSeed('business-time'));
    const zones = randomZones(random, sizes.zones);
    const tally = { calendars: 0, due: 0, notDue: 0 };
    const differences: { each: Case; ours: unknown; oracles: unknown }[] = [];
    for await (const [{ cases }, answers] of answersOf<{ cases: Case[] }, Answer[]>(
      'business_time_oracle.py',
      randomCases(random, zones),
    )) {
      cases.forEach((each, index) => {
        const ours = answerOf(each);
        const oracles = answers[index]!;
        tally.calendars += 1;
        tally[oracles[1] === null ? 'notDue' : 'due'] += 1;
        if (ours[0] !== oracles[0] || ours[1] !== oracles[1]) differences.push({ each, ours, oracles });
      });
    }
    const spans = differences.map(({ each: { calendar, from, days } }) => ({
      zone: calendar.zone,
      first: from - 5 * 86_400,
      last: from + (days + 5) * 86_400,
    }));
    const sharesOffsets = await haveEqualOffsets(spans);
    const wrong = differences.filter((_, index) => sharesOffsets[index]);
    const otherDatabase = differences.length - wrong.length;
    printTally('business-time', { ...tally, zones: zones.length, wrong: wrong.length, otherDatabase });
    expect(wrong.slice(0, 3)).toEqual([]);
    // The databases of Node and Python are of other versions, which differ in few zones.
    expect(otherDatabase).toBeLessThan(Math.max(tally.calendars / 100, 25));
  },
  soakTimeoutMs,
);

/** Business seconds from `from` to `to`, and when the duration is due. */
type Answer = [measured: number, due: number | null];

function* randomCases(random: Random, zones: Zone[]): Generator<{ cases: Case[] }> {
  for (let left = sizes.calendars; left > 0; left -= batchSize) {
    const cases = Array.from({ length: Math.min(left, batchSize) }, () => {
      const zone = random.pick(zones);
      const from = randomTime(random, zone);
      const to = from + random.below(random.pick([86_400, 5 * 86_400, walkDays * 86_400]));
      const calendar = randomCalendar(random, zone, from);
      return { calendar, from, to, duration: randomDuration(random, calendar, from, to), days: walkDays };
    });
    yield { cases };
  }
}

/** In seconds. Some are 0, and some are completed by the end of a window. */
function randomDuration(random: Random, calendar: CalendarRule, from: number, to: number): number {
  if (random.chance(0.05)) return 0;
  if (random.chance(0.3)) return businessDuration(new CompiledCalendar(calendar), from * 1_000, to * 1_000) / 1_000;
  return random.below(random.pick([3_600, 40_000, 400_000]));
}

function answerOf({ calendar, from, to, duration, days }: Case): Answer {
  expect(calendarFaults(calendar)).toEqual([]);
  const compiled = new CompiledCalendar(calendar);
  const measuredMs = businessDuration(compiled, from * 1_000, to * 1_000);
  const dueMs = dueAt(compiled, from * 1_000, duration * 1_000);
  // Beyond the days that the oracle surely walks, only the library knows.
  const isWalked = dueMs !== undefined && dueMs <= (from + days * 86_400) * 1_000;
  return [measuredMs / 1_000, isWalked ? dueMs / 1_000 : null];
}
