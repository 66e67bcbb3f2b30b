import { collectDefaultMetrics, Registry } from 'prom-client';

/**
 * Sampling interval of the event loop delay, in milliseconds. The default wakes an idle process a hundred times a
 * second.
 */
const loopDelayResolutionMs = 50;

/** The metrics of this process, which the health server serves at `/metrics` in Prometheus' text format. */
export const metrics = new Registry();

collectDefaultMetrics({ register: metrics, eventLoopMonitoringPrecision: loopDelayResolutionMs });
