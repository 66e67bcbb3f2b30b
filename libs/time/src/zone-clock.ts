import { Temporal } from './temporal.js';

export const dayMs = 86_400_000;

/** A change of the offset of a zone. Offsets are local time minus UTC. */
interface Transition {
  atMs: number;
  beforeMs: number;
  afterMs: number;
}

/** Whether the name is one of the IANA time zone database, spelled as there. An offset such as `+01:00` is none. */
export function isZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+){0,2}$/.test(name)) return false;
  try {
    return new Temporal.ZonedDateTime(0n, name).timeZoneId === name;
  } catch (error) {
    // What Temporal throws for a name that the database does not have.
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** The version of the time zone database of this process, such as `2026c`. */
export const tzdataVersion: string = process.versions.tz ?? 'unknown';

/** An offset, and the instant of the transition that ends it. */
type OffsetAt = (localMs: number) => { offsetMs: number; untilMs: number };

const clocks = new Map<string, ZoneClock>();

/** The clock of a zone. There are at most some six hundred zones, so all are kept. */
export function zoneClock(zone: string): ZoneClock {
  const known = clocks.get(zone);
  if (known) return known;
  const clock = new ZoneClock(zone);
  clocks.set(zone, clock);
  return clock;
}

/**
 * Converts local times of one zone to instants. Temporal knows the transitions; a table of them converts the thousands of
 * windows of a year without making an object for each.
 */
export class ZoneClock {
  readonly #years = new Map<number, Transition[]>();
  readonly #around = new Map<number, OffsetAt>();

  constructor(readonly zone: string) {}

  /**
   * A function from local times of a year, and of some days around it, to instants, with the disambiguation `compatible` of
   * Temporal: a time that a gap skips is moved by the length of the gap, a time that occurs twice is the earlier one.
   * Local times are milliseconds as if they were UTC.
   */
  instants(year: number): (localMs: number) => number {
    const offsetAt = this.#offsetsAround(year);
    return (localMs) => localMs - offsetAt(localMs).offsetMs;
  }

  /** The instant of one local time, as `instants` has it. */
  instant(localMs: number): number {
    return this.instants(new Date(localMs).getUTCFullYear())(localMs);
  }

  /** The instant of a local time, the earlier one if it occurs twice. Undefined if a gap skips it. */
  occurrence(localMs: number): number | undefined {
    const { offsetMs, untilMs } = this.#offsetsAround(new Date(localMs).getUTCFullYear())(localMs);
    const atMs = localMs - offsetMs;
    return atMs < untilMs ? atMs : undefined;
  }

  /** The offset before the next transition, which is the first that a local time is before the end of. */
  #offsetsAround(year: number): OffsetAt {
    const known = this.#around.get(year);
    if (known) return known;
    const transitions = [year - 1, year, year + 1].flatMap((each) => this.#transitionsOf(each));
    const last = { offsetMs: transitions.at(-1)?.afterMs ?? this.#offsetMs(Date.UTC(year, 0)), untilMs: Infinity };
    const offsetAt: OffsetAt = (localMs) => {
      const next = transitions.find(({ atMs, beforeMs, afterMs }) => localMs < atMs + Math.max(beforeMs, afterMs));
      return next ? { offsetMs: next.beforeMs, untilMs: next.atMs } : last;
    };
    this.#around.set(year, offsetAt);
    return offsetAt;
  }

  /** The local time of an instant. */
  localMs(atMs: number): number {
    return atMs + this.#offsetMs(atMs);
  }

  #transitionsOf(year: number): Transition[] {
    const known = this.#years.get(year);
    if (known) return known;
    const endMs = Date.UTC(year + 1, 0);
    const transitions: Transition[] = [];
    // The first instant of the year may be a transition itself.
    let time = this.#at(Date.UTC(year, 0) - 1).getTimeZoneTransition('next');
    while (time && time.epochMilliseconds < endMs) {
      const atMs = time.epochMilliseconds;
      transitions.push({ atMs, beforeMs: this.#offsetMs(atMs - 1), afterMs: this.#offsetMs(atMs) });
      time = time.getTimeZoneTransition('next');
    }
    this.#years.set(year, transitions);
    return transitions;
  }

  #offsetMs(atMs: number): number {
    return this.#at(atMs).offsetNanoseconds / 1e6;
  }

  #at(atMs: number): Temporal.ZonedDateTime {
    return Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(this.zone);
  }
}
