/** A daily limit that grows. */
export interface RampUp {
  firstPerDay: number;
  growthPercent: number;
  /** The limit that ends it. */
  untilPerDay: number;
  /** RFC 3339. */
  startTime: string;
}

/** A day of a ramp-up. */
export interface RampDay {
  /** 0 for the first one; negative before the start. */
  day: number;
  /** Most e-mails. Undefined once the ramp-up has ended. */
  limit: number | undefined;
  end: Date;
}

const dayMs = 24 * 60 * 60 * 1_000;

/** The day of a ramp-up at a time, and its limit. */
export function rampDayAt({ firstPerDay, growthPercent, untilPerDay, startTime }: RampUp, time: Date): RampDay {
  const startMs = Date.parse(startTime);
  const day = Math.floor((time.getTime() - startMs) / dayMs);
  let limit = firstPerDay;
  for (let at = 0; at < day && limit < untilPerDay; at += 1) {
    limit = Math.max(limit + 1, Math.floor((limit * (100 + growthPercent)) / 100));
  }
  return { day, limit: limit < untilPerDay ? limit : undefined, end: new Date(startMs + (day + 1) * dayMs) };
}
