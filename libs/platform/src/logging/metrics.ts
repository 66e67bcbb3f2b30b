import { collectDefaultMetrics, Registry } from 'prom-client';

/**
 * Sampling interval of the event loop delay, in milliseconds. Each sample wakes the process: at 50 ms, this took a third of
 * the time of an idle edge. The values contain the interval (k8s/components/monitoring/alerts.yaml).
 */
const loopDelayResolutionMs = 200;

/** The metrics of this process, which the health server serves at `/metrics` in Prometheus' text format. */
export const metrics = new Registry();

collectDefaultMetrics({ register: metrics, eventLoopMonitoringPrecision: loopDelayResolutionMs });
