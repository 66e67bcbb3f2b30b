import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { expect, test } from 'vitest';
import { expand, followingOccurrence, nextOccurrence, type Recurrence } from '../src/index.js';
import { answersOf, haveEqualOffsets } from './oracle.js';
import { Random } from './random.js';
import { randomZones, type Zone } from './random-calendars.js';
import { randomRecurrence } from './random-recurrences.js';

const sizes = {
  recurrences: sizeOf('RECURRENCES', { short: 80, long: 10_000 }),
  zones: sizeOf('RECURRENCE_ZONES', { short: 12, long: 40 }),
};
const batchSize = 50;
const day = 86_400;

/** Seconds since 1970. */
interface Case extends Recurrence {
  from: number;
  to: number;
  after: number;
}

interface Answer {
  expanded: number[];
  next: number | null;
  /** The last one until `after`. */
  last: number | null;
}

test(
  'occurrences of random rules equal those of an oracle that looks at each date',
  async () => {
    const random = new Random(printedSeed('recurrence'));
    const zones = randomZones(random, sizes.zones);
    const tally = { recurrences: 0, occurrences: 0, ended: 0 };
    const differences: { each: Case; ours: Answer; oracles: Answer }[] = [];
    for await (const [{ cases }, answers] of answersOf<{ cases: Case[] }, Answer[]>(
      'recurrence_oracle.py',
      randomCases(random, zones),
    )) {
      cases.forEach((each, index) => {
        const oracles = answers[index]!;
        const ours = answerOf(each);
        tally.recurrences += 1;
        tally.occurrences += ours.expanded.length;
        if (ours.next === null) tally.ended += 1;
        if (JSON.stringify(ours) !== JSON.stringify(oracles)) differences.push({ each, ours, oracles });
      });
    }
    const sharesOffsets = await haveEqualOffsets(
      differences.map(({ each: { zone, dtstart, to } }) => ({
        zone,
        first: Date.parse(`${dtstart}Z`) / 1_000 - 2 * day,
        last: to + 2 * day,
      })),
    );
    const wrong = differences.filter((_, index) => sharesOffsets[index]);
    const otherDatabase = differences.length - wrong.length;
    printTally('recurrence', { ...tally, zones: zones.length, wrong: wrong.length, otherDatabase });
    expect(wrong.slice(0, 3)).toEqual([]);
    expect(otherDatabase).toBeLessThan(Math.max(tally.recurrences / 50, 25));
  },
  soakTimeoutMs,
);

function* randomCases(random: Random, zones: Zone[]): Generator<{ cases: Case[] }> {
  for (let left = sizes.recurrences; left > 0; left -= batchSize) {
    const cases = Array.from({ length: Math.min(left, batchSize) }, () => {
      const recurrence = randomRecurrence(random, random.pick(zones));
      const start = Date.parse(`${recurrence.dtstart}Z`) / 1_000;
      const from = start + (random.chance(0.5) ? -2 * day : random.below(500 * day));
      const days = recurrence.rrule.includes('YEARLY') ? 6 * 365 : 500;
      const to = from + random.below(days * day);
      return { ...recurrence, from, to, after: from + random.below(to - from + 1) };
    });
    yield { cases };
  }
}

function answerOf({ from, to, after, ...recurrence }: Case): Answer {
  const expanded = expand(recurrence, from * 1_000, to * 1_000, Infinity);
  const nextMs = nextOccurrence(recurrence, after * 1_000);
  const lastMs = followingOccurrence(recurrence, {
    mode: 'FIXED',
    missed: 'ONE',
    occurrenceMs: Number.MIN_SAFE_INTEGER,
    completedMs: after * 1_000,
  });
  return {
    expanded: expanded.map((each) => each / 1_000),
    next: nextMs !== undefined && nextMs < to * 1_000 ? nextMs / 1_000 : null,
    last: lastMs !== undefined && lastMs <= after * 1_000 ? lastMs / 1_000 : null,
  };
}
