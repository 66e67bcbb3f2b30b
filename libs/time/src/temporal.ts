/**
 * Temporal, also for rrule-temporal, which node-ical loads too: it takes a global one. Its own misses offsets that last for some weeks,
 * as in Morocco in Ramadan. So it comes first.
 */
import 'temporal-polyfill/global';

export { Temporal } from 'temporal-polyfill';
