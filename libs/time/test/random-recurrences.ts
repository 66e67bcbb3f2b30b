import { recurrenceFaults, recurrenceLimits, type Recurrence } from '../src/index.js';
import type { Random } from './random.js';
import type { Zone } from './random-calendars.js';

const firstTransition = Date.UTC(recurrenceLimits.firstYear + 2, 0) / 1_000;
const weekdays = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];

/** A recurrence without faults, which begins close before a transition of its zone where there is one. */
export function randomRecurrence(random: Random, zone: Zone): Recurrence {
  for (;;) {
    const recurrence = candidate(random, zone);
    if (recurrenceFaults(recurrence).length === 0) return recurrence;
  }
}

function candidate(random: Random, zone: Zone): Recurrence {
  const recent = zone.transitions.filter((transition) => transition > firstTransition);
  const transition = random.pick(recent.length > 0 ? recent : [1_800_000_000]);
  const startDay = Math.floor(transition / 86_400) - random.below(random.pick([3, 10, 400]));
  // Clocks change at night, most of them.
  const second = random.chance(0.7) ? random.below(4 * 3_600) : random.below(86_400);
  const dtstart = localTime(startDay, random.chance(0.8) ? second - (second % 900) : second);
  const times = (chance: number) =>
    Array.from({ length: random.chance(chance) ? 1 + random.below(3) : 0 }, () =>
      localTime(startDay + random.below(40), second - (second % 900)),
    );
  return { rrule: randomRule(random, dtstart), dtstart, zone: zone.name, exdates: times(0.2), rdates: times(0.2) };
}

function randomRule(random: Random, dtstart: string): string {
  const frequency = random.pick(['DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY']);
  const parts: string[] = [`FREQ=${frequency}`];
  const add = (chance: number, part: () => string) => {
    if (random.chance(chance)) parts.push(part());
  };
  const is = (...names: string[]) => names.includes(frequency);
  add(0.4, () => `INTERVAL=${random.pick([1, 2, 2, 3, 4, 5, 7, 12])}`);
  add(0.25, () => `BYMONTH=${list(random, () => 1 + random.below(12), 4)}`);
  add(is('DAILY', 'MONTHLY', 'YEARLY') ? 0.3 : 0, () => `BYMONTHDAY=${list(random, () => signed(random, 31), 4)}`);
  add(is('YEARLY') ? 0.15 : 0, () => `BYYEARDAY=${list(random, () => signed(random, 366), 6)}`);
  add(is('YEARLY') ? 0.2 : 0, () => `BYWEEKNO=${list(random, () => signed(random, 53), 4)}`);
  add(0.45, () => `BYDAY=${list(random, () => weekday(random, frequency), 4)}`);
  add(0.2, () => `BYHOUR=${list(random, () => random.below(random.pick([4, 24])), 3)}`);
  add(0.15, () => `BYMINUTE=${list(random, () => random.below(60), 2)}`);
  add(0.05, () => `BYSECOND=${list(random, () => random.below(60), 2)}`);
  add(0.2, () => `BYSETPOS=${list(random, () => signed(random, random.pick([2, 5, 40])), 3)}`);
  add(0.25, () => `WKST=${random.pick(weekdays)}`);
  if (random.chance(0.3)) parts.push(`COUNT=${1 + random.below(40)}`);
  else add(0.3, () => `UNTIL=${until(random, dtstart)}`);
  return parts.join(';');
}

function until(random: Random, dtstart: string): string {
  const untilMs = Date.parse(`${dtstart}Z`) + random.below(700) * 86_400_000 + random.below(86_400) * 1_000;
  return `${new Date(untilMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
}

function weekday(random: Random, frequency: string): string {
  const hasNumber = random.chance(0.5);
  if (frequency === 'MONTHLY' && hasNumber) return `${signed(random, 5)}${random.pick(weekdays)}`;
  if (frequency === 'YEARLY' && hasNumber) return `${signed(random, random.pick([5, 53]))}${random.pick(weekdays)}`;
  return random.pick(weekdays);
}

function signed(random: Random, max: number): number {
  return (1 + random.below(max)) * (random.chance(0.3) ? -1 : 1);
}

function list(random: Random, item: () => number | string, most: number): string {
  return [...new Set(Array.from({ length: 1 + random.below(most) }, item))].join(',');
}

function localTime(day: number, second: number): string {
  return new Date((day * 86_400 + second) * 1_000).toISOString().slice(0, 19);
}
