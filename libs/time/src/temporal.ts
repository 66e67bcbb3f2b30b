// rrule-temporal, which node-ical loads, takes a global Temporal: its own misses offsets that last for some weeks, as in Morocco in
// Ramadan. So the global one comes before it, and only this module imports them.
import './global-temporal.js';

export { default as ical, type VEvent } from 'node-ical';
export { Temporal } from 'temporal-polyfill';
