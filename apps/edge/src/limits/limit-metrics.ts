import { metrics } from '@rapport/platform';
import { Counter, Gauge } from 'prom-client';
import type { PerClass } from './plans.js';

/**
 * Figures of this process, counted as plain numbers because charges are on the path of cached answers, and put into
 * metrics when these are read.
 */
export const figures = {
  /** Charges by outcome: of the shared budgets, or of this process's own ones. */
  charges: { passed: 0, refused: 0, fallback_passed: 0, fallback_refused: 0 },
  /** True while this process limits rates alone because Redis does not answer. */
  isFallback: false,
  placesUsed: { interactive: 0, bulk: 0, feed: 0, public: 0 } satisfies PerClass & { public: number },
  /** Most calls at a time by class of traffic; of interactive ones, for one service that answers fast. */
  placesLimits: { interactive: 0, bulk: 0, feed: 0, public: 0 } satisfies PerClass & { public: number },
  /** Calls that got no place, by the reason of the refusal. */
  shed: { overloaded: 0, too_many_concurrent: 0 },
  /** How many interactive calls of a service may be worked on now, by its area of the contract. */
  interactiveLimits: new Map<string, () => number>(),
  wrongCredentials: 0,
};

new Counter({
  name: 'rapport_rate_charges_total',
  help: 'Charges of rate budgets by outcome.',
  registers: [metrics],
  labelNames: ['outcome'],
  collect() {
    this.reset();
    for (const [outcome, count] of Object.entries(figures.charges)) this.inc({ outcome }, count);
  },
});

new Gauge({
  name: 'rapport_rate_fallback_in_use',
  help: '1 while each process limits rates alone, because Redis does not answer.',
  registers: [metrics],
  collect() {
    this.set(figures.isFallback ? 1 : 0);
  },
});

new Gauge({
  name: 'rapport_places_used',
  help: 'Calls being worked on by class of traffic.',
  registers: [metrics],
  labelNames: ['class'],
  collect() {
    for (const [name, count] of Object.entries(figures.placesUsed)) this.set({ class: name }, count);
  },
});

new Gauge({
  name: 'rapport_places_limit',
  help: 'Most calls that are worked on by class of traffic; of interactive ones, for one service that answers fast.',
  registers: [metrics],
  labelNames: ['class'],
  collect() {
    for (const [name, most] of Object.entries(figures.placesLimits)) this.set({ class: name }, most);
  },
});

new Gauge({
  name: 'rapport_interactive_places_limit',
  help: 'How many interactive calls of a service may be worked on, as adapted to how fast it answers.',
  registers: [metrics],
  labelNames: ['service'],
  collect() {
    for (const [service, current] of figures.interactiveLimits) this.set({ service }, current());
  },
});

new Counter({
  name: 'rapport_calls_shed_total',
  help: 'Calls that got no place by reason.',
  registers: [metrics],
  labelNames: ['reason'],
  collect() {
    this.reset();
    for (const [reason, count] of Object.entries(figures.shed)) this.inc({ reason }, count);
  },
});

new Counter({
  name: 'rapport_wrong_credentials_total',
  help: 'Credentials that auth refused.',
  registers: [metrics],
  collect() {
    this.reset();
    this.inc(figures.wrongCredentials);
  },
});
