import { collectDefaultMetrics, Registry } from 'prom-client';

/** How often the delay of the event loop is measured, in milliseconds. By default it wakes an idle process a hundred times a second. */
const loopDelayResolutionMs = 50;

/** The metrics of this process, which the health server answers at `/metrics` in Prometheus' text format. */
export const metrics = new Registry();

collectDefaultMetrics({ register: metrics, eventLoopMonitoringPrecision: loopDelayResolutionMs });
