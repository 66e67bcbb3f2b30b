const localTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?$/;
const dayMs = 86_400_000;

/** True for the IANA name of a time zone, such as `Europe/Berlin`. */
export function isTimeZone(name: string): boolean {
  try {
    return formatOf(name) !== undefined;
  } catch {
    return false;
  }
}

/**
 * The moment of a local time, in UTC with milliseconds. Undefined when there is none or there are two: clock changes skip
 * some local times and repeat others.
 */
export function momentOf(local: string, timeZone: string): string | undefined {
  const localMs = localTime.test(local) ? Date.parse(`${local}Z`) : Number.NaN;
  if (Number.isNaN(localMs)) return undefined;
  const moments = momentsOf(localMs, timeZone);
  const [moment] = moments;
  return moments.length === 1 && moment !== undefined ? new Date(moment).toISOString() : undefined;
}

/** The local time of a moment. Undefined when it is ambiguous. */
export function localTimeOf(moment: string, timeZone: string): string | undefined {
  const ms = Date.parse(moment);
  if (Number.isNaN(ms)) return undefined;
  const local = new Date(ms + offsetMs(ms, timeZone))
    .toISOString()
    .slice(0, -1)
    .replace(/\.000$/, '');
  return momentOf(local, timeZone) === new Date(ms).toISOString() ? local : undefined;
}

/** The day of the calendar at a moment, such as `2026-01-31`. */
export function dayAt(moment: Date, timeZone: string): string {
  const ms = moment.getTime();
  return new Date(ms + offsetMs(ms, timeZone)).toISOString().slice(0, 10);
}

/** The first moment of a day, in milliseconds since the epoch. It is not midnight where a clock change skips that. */
export function startOfDayMs(day: string, timeZone: string): number {
  const localMs = Date.parse(`${day}T00:00:00Z`);
  const [first] = momentsOf(localMs, timeZone).toSorted((left, right) => left - right);
  return first ?? firstBeyond(localMs, timeZone);
}

/** The first moment after a local time that a clock change skips. */
function firstBeyond(localMs: number, timeZone: string): number {
  let [before, beyond] = [localMs - 2 * dayMs, localMs + 2 * dayMs];
  while (beyond - before > 1_000) {
    const middle = Math.floor((before + beyond) / 2_000) * 1_000;
    if (middle + offsetMs(middle, timeZone) < localMs) before = middle;
    else beyond = middle;
  }
  return beyond;
}

/** The moments of a local time. */
function momentsOf(localMs: number, timeZone: string): number[] {
  // The offsets on both sides of a change are those of the day before and the day after.
  const offsets = new Set([-dayMs, 0, dayMs].map((ms) => offsetMs(localMs + ms, timeZone)));
  return [...offsets].map((offset) => localMs - offset).filter((ms) => ms + offsetMs(ms, timeZone) === localMs);
}

/** How far clocks are ahead of UTC. */
export function offsetMs(ms: number, timeZone: string): number {
  const parts = Object.fromEntries(
    formatOf(timeZone)
      .formatToParts(ms)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  const local = new Date(0);
  local.setUTCFullYear(year, month - 1, day);
  local.setUTCHours(hour, minute, second);
  return local.getTime() - Math.floor(ms / 1_000) * 1_000;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** @throws RangeError for an unknown zone */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  const numeric = 'numeric' as const;
  const format =
    formats.get(timeZone) ??
    new Intl.DateTimeFormat('en-US', {
      ...{ timeZone, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23' },
      ...{ year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric },
    });
  formats.set(timeZone, format);
  return format;
}
