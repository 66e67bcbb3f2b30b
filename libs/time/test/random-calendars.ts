import { Temporal } from 'temporal-polyfill';
import type { CalendarRule, DailyWindow, Weekday } from '../src/index.js';
import type { Random } from './random.js';

const firstMs = Date.UTC(1970, 0, 10);
const lastMs = Date.UTC(2045, 0);
const daySeconds = 86_400;

/** A zone, and when its offset changes, in seconds since 1970. */
export interface Zone {
  name: string;
  transitions: number[];
}

/** Some of the zones that this Node knows, all if `count` is as large. */
export function randomZones(random: Random, count: number): Zone[] {
  const names = Intl.supportedValuesOf('timeZone');
  const picked = new Set(count >= names.length ? names : []);
  while (picked.size < Math.min(count, names.length)) picked.add(random.pick(names));
  return [...picked].map((name) => ({ name, transitions: transitionsOf(name) }));
}

function transitionsOf(name: string): number[] {
  const transitions: number[] = [];
  let time = Temporal.Instant.fromEpochMilliseconds(firstMs).toZonedDateTimeISO(name).getTimeZoneTransition('next');
  while (time && time.epochMilliseconds < lastMs) {
    transitions.push(time.epochMilliseconds / 1_000);
    time = time.getTimeZoneTransition('next');
  }
  return transitions;
}

/** Seconds since 1970: mostly close to a transition. */
export function randomTime(random: Random, zone: Zone): number {
  if (zone.transitions.length > 0 && random.chance(0.7)) {
    return random.pick(zone.transitions) + random.below(4 * daySeconds) - 3 * daySeconds;
  }
  return Math.floor((firstMs + random.below(lastMs - firstMs)) / 1_000);
}

/** A valid calendar with exceptions around a time. */
export function randomCalendar(random: Random, zone: Zone, aroundSeconds: number): CalendarRule {
  const openDays = random.pick([1, 2, 5, 5, 7, 7]);
  const weekly = Array.from({ length: openDays }, (_, index) => (index + 1) as Weekday).flatMap((day) =>
    randomWindows(random).map((window) => ({ day, ...window })),
  );
  const dates = new Set(
    Array.from({ length: random.below(8) }, () =>
      new Date((aroundSeconds + (random.below(20) - 3) * daySeconds) * 1_000).toISOString().slice(0, 10),
    ),
  );
  const exceptions = [...dates].map((date) => ({ date, windows: random.chance(0.6) ? [] : randomWindows(random) }));
  return { zone: zone.name, weekly, exceptions };
}

/** At most three windows, some of them at night, where clocks change, and some until midnight. */
function randomWindows(random: Random): DailyWindow[] {
  if (random.chance(0.15))
    return [
      { opens: '00:00', closes: '06:00' },
      { opens: '22:00', closes: '24:00' },
    ];
  const times = new Set<number>();
  const count = 2 * (1 + random.below(3));
  while (times.size < count) times.add(random.chance(0.5) ? random.below(5 * 60) : random.below(24 * 60 + 1));
  const sorted = [...times].toSorted((one, other) => one - other).map(clockTime);
  const windows: DailyWindow[] = [];
  for (let index = 0; index < sorted.length; index += 2) {
    // Some windows meet.
    const opens = index > 0 && random.chance(0.2) ? sorted[index - 1]! : sorted[index]!;
    windows.push({ opens, closes: sorted[index + 1]! });
  }
  return windows;
}

function clockTime(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}
