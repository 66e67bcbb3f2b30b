/** An event of a calendar. Times are in ISO 8601; a day has the form YYYY-MM-DD. */
export interface CalendarEvent {
  /** Globally unique, and the same in every version of the event. */
  uid: string;
  /** Grows with every version. */
  sequence: number;
  changeTime: string;
  summary: string;
  /** A time, or the first day of an event on whole days. */
  start: string;
  /** A time, or the last day. None for an event that takes no time, or one day. */
  end?: string | undefined;
  description?: string | undefined;
  location?: string | undefined;
  url?: string | undefined;
  isCancelled?: boolean;
  /** Whether it takes no time from its owner, such as a task. */
  isFree?: boolean;
}

/**
 * Writes an iCalendar file (RFC 5545). All times are in UTC, so that it needs no time zone of its own. Tasks are events too: most
 * programs that subscribe to calendars show no VTODO.
 */
export function writeCalendar(name: string, events: readonly CalendarEvent[]): string {
  const lines = [
    ...['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Rapport//Calendar feed//EN', 'CALSCALE:GREGORIAN'],
    ...['METHOD:PUBLISH', `NAME:${text(name)}`, `X-WR-CALNAME:${text(name)}`],
    ...['REFRESH-INTERVAL;VALUE=DURATION:PT15M', 'X-PUBLISHED-TTL:PT15M'],
    ...events.flatMap(eventLines),
    'END:VCALENDAR',
  ];
  return lines.map((line) => `${folded(line)}\r\n`).join('');
}

function eventLines(event: CalendarEvent): string[] {
  const { uid, sequence, changeTime, summary, description, location, url } = event;
  return [
    ...['BEGIN:VEVENT', `UID:${text(uid)}`, `SEQUENCE:${sequence}`, `DTSTAMP:${moment(changeTime)}`],
    `LAST-MODIFIED:${moment(changeTime)}`,
    ...times(event),
    `SUMMARY:${text(summary)}`,
    ...(description === undefined ? [] : [`DESCRIPTION:${text(description)}`]),
    ...(location === undefined ? [] : [`LOCATION:${text(location)}`]),
    // A URL is no text: nothing in it is escaped. Control characters would begin another line.
    ...(url === undefined || /[\0-\x1f]/.test(url) ? [] : [`URL:${url}`]),
    `STATUS:${event.isCancelled ? 'CANCELLED' : 'CONFIRMED'}`,
    `TRANSP:${event.isFree ? 'TRANSPARENT' : 'OPAQUE'}`,
    'END:VEVENT',
  ];
}

function times({ start, end }: CalendarEvent): string[] {
  if (start.length > 10) return [`DTSTART:${moment(start)}`, ...(end === undefined ? [] : [`DTEND:${moment(end)}`])];
  // The end is exclusive: section 3.6.1.
  const after = new Date(Date.parse(`${end ?? start}T00:00:00Z`) + dayMs).toISOString();
  return [`DTSTART;VALUE=DATE:${day(start)}`, `DTEND;VALUE=DATE:${day(after)}`];
}

const dayMs = 86_400_000;

/** Section 3.3.5, form 2. */
function moment(time: string): string {
  return `${new Date(time).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}

function day(date: string): string {
  return date.slice(0, 10).replaceAll('-', '');
}

/** Section 3.3.11. Control characters have no form. */
function text(value: string): string {
  return value
    .replace(/\r\n?/g, '\n')
    .replace(/[\0-\x08\x0b-\x1f\x7f]/g, '')
    .replace(/[\\;,]/g, String.raw`\$&`)
    .replaceAll('\n', String.raw`\n`);
}

/** Most bytes of a line, its end not counted: section 3.1. */
const maxBytes = 75;

/** Folds a line between characters: a byte of UTF-8 alone would be unreadable to programs that do not unfold first. */
function folded(line: string): string {
  let [written, size] = ['', 0];
  for (const character of line) {
    const bytes = Buffer.byteLength(character);
    if (size + bytes > maxBytes) [written, size] = [`${written}\r\n `, 1];
    written += character;
    size += bytes;
  }
  return written;
}
