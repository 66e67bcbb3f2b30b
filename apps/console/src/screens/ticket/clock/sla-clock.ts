/** How a clock stands: `calm`, in its last quarter, past its end, stopped, or done. */
export type ClockTone = 'calm' | 'soon' | 'late' | 'paused' | 'met';

export interface Clock {
  tone: ClockTone;
  /** Until the end; negative after it. Absent once the clock is done. */
  leftSeconds?: number;
  /** How much of its time is used, from 0 to 1. */
  used: number;
}

/** What a clock is read from: a timer of a ticket. Times are in milliseconds since 1970. */
export interface TimerFacts {
  state: string;
  start: number;
  /** Absent while it is paused. */
  due?: number;
  end?: number;
  /** Working time that is left while it is paused, in seconds. */
  remainingSeconds?: number;
}

/** The clock of a timer at a moment. One that was not kept stands at how late it was in the end. */
export function clockOf({ state, start, due, end, remainingSeconds }: TimerFacts, now: number): Clock {
  if (state === 'MET' || state === 'CANCELLED') return { tone: 'met', used: 1 };
  if (state === 'PAUSED' || due === undefined)
    return { tone: 'paused', used: 0, ...(remainingSeconds !== undefined && { leftSeconds: remainingSeconds }) };
  const leftSeconds = (due - (end ?? now)) / 1_000;
  if (leftSeconds <= 0 || state === 'BREACHED') return { tone: 'late', leftSeconds: Math.min(leftSeconds, 0), used: 1 };
  const used = Math.min(1, Math.max(0, (now - start) / Math.max(1, due - start)));
  return { tone: used >= 0.75 ? 'soon' : 'calm', leftSeconds, used };
}

/** Units of durations, in seconds. */
export const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const;

/** Seconds in the two largest units that they fill, such as `2 h 58 min`. Seconds are shown below five minutes only. */
export function leftText(seconds: number, language: string): string {
  const whole = Math.floor(Math.abs(seconds));
  const least = whole < 300 ? 1 : 60;
  const first = units.findIndex(([, size]) => whole >= size);
  const shown = units.slice(first === -1 ? 3 : first).filter(([, size]) => size >= least);
  let rest = whole;
  const parts = shown.slice(0, 2).map(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return { count, unit };
  });
  return parts
    .filter(({ count }, index) => count > 0 || index === 0)
    .map(({ count, unit }) =>
      new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'short' }).format(count),
    )
    .join(' ');
}

const letters: Readonly<Record<string, number>> = { d: 86_400, h: 3_600, m: 60, s: 1 };

/** Seconds of a time as it is typed, such as `4h`, `1d 2h` or `30` for minutes; undefined for another text. */
export function secondsOf(typed: string): number | undefined {
  const said = typed.toLowerCase().replaceAll(' ', '').replaceAll(',', '.');
  const text = /^\d{1,9}$/.test(said) ? `${said}m` : said;
  const parts = [...text.matchAll(/([\d.]{1,9})(d|h|min|m|s)/g)];
  const seconds = parts.reduce((sum, [, count = '', unit = '']) => sum + Number(count) * letters[unit.charAt(0)]!, 0);
  const isWhole = parts.map(([part]) => part).join('') === text;
  return parts.length > 0 && isWhole && Number.isFinite(seconds) ? Math.round(seconds) : undefined;
}

/** Seconds as they are typed: `4h`, `1d 2h`. */
export function typedOf(seconds: number): string {
  let rest = seconds;
  const parts = Object.entries(letters).flatMap(([letter, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count > 0 ? [`${count}${letter}`] : [];
  });
  return parts.join(' ');
}
