import { randomBytes } from 'node:crypto';

/** Random hexadecimal digits of one id. */
const digitsOfId = 18;
const idsAtATime = 256;
// Digits for many ids at a time, and the time once a millisecond: made one by one, ids were a tenth of a cached answer's time.
let digits = '';
let used = 0;
let timeMs = -1;
let start = '';

/** The id that a client gave its request, when it looks like one, or else a new one. */
export function requestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[\w.-]{8,64}$/.test(given) ? given : newId();
}

/** A UUID of version 7, with 72 random bits. Source: RFC 9562, section 5.7. */
function newId(): string {
  const now = Date.now();
  if (now !== timeMs) {
    timeMs = now;
    const time = now.toString(16).padStart(12, '0');
    start = `${time.slice(0, 8)}-${time.slice(8)}-7`;
  }
  if (used === digits.length) {
    digits = randomBytes((idsAtATime * digitsOfId) / 2).toString('hex');
    used = 0;
  }
  const from = used;
  used += digitsOfId;
  return `${start}${digits.slice(from, from + 3)}-8${digits.slice(from + 3, from + 6)}-${digits.slice(from + 6, used)}`;
}
