/** What a domain has asked for. */
export interface DomainPace {
  /** How often it was slowed, as stored. */
  slowness: number;
  slowTime?: Date | null | undefined;
  blockedUntil?: Date | null | undefined;
}

/** How long a domain stays slowed: after this time without another answer, its rate doubles. In milliseconds. */
const recoverMs = 5 * 60_000;

/** Answers at the same moment slow a domain once. In milliseconds. */
const togetherMs = 10_000;

/** The rate is at least 1/16. */
const maxSlowness = 4;

/** How long nothing is sent to a domain that slows the lowest rate. In milliseconds. */
const blockMs = 15 * 60_000;

export const openPace: DomainPace = { slowness: 0, slowTime: null, blockedUntil: null };

/** How often the rate is halved at a time. */
export function slownessAt({ slowness, slowTime }: DomainPace, now: Date): number {
  if (slowness === 0 || !slowTime) return 0;
  const steps = Math.floor((now.getTime() - slowTime.getTime()) / recoverMs);
  return Math.max(0, slowness - Math.max(0, steps));
}

/** A limit at a pace: at least one e-mail at a time. @param limit undefined for none */
export function slowed(limit: number | undefined, slowness: number): number {
  // Without a limit, a slowed domain gets one connection, then.
  if (limit === undefined) return slowness === 0 ? Infinity : Math.max(1, 2 ** (maxSlowness - slowness));
  return Math.max(1, Math.floor(limit / 2 ** slowness));
}

/** State of a domain, and its end unless it is OPEN. */
export function stateAt(pace: DomainPace, now: Date): { state: 'OPEN' | 'SLOWED' | 'BLOCKED'; until?: Date } {
  if (pace.blockedUntil && pace.blockedUntil > now) return { state: 'BLOCKED', until: pace.blockedUntil };
  if (slownessAt(pace, now) === 0 || !pace.slowTime) return { state: 'OPEN' };
  return { state: 'SLOWED', until: new Date(pace.slowTime.getTime() + pace.slowness * recoverMs) };
}

/** The pace after an answer that asks for less. */
export function slowDown(pace: DomainPace, now: Date): DomainPace {
  const slowness = slownessAt(pace, now);
  if (pace.slowTime && slowness > 0 && now.getTime() - pace.slowTime.getTime() < togetherMs) return pace;
  if (slowness < maxSlowness) return { slowness: slowness + 1, slowTime: now, blockedUntil: null };
  return { slowness, slowTime: now, blockedUntil: new Date(now.getTime() + blockMs) };
}

/** Whether an answer asks for fewer e-mails: 421, which nodemailer gives in words, or a policy for the moment (RFC 3463, 4.7.x). */
export function asksForLess(response: string): boolean {
  return /(?:^|response=)421(?!\d)|(?<![\d.])4\.7\.\d{1,3}(?![\d.])/.test(response);
}
