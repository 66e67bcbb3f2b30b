import { collectDefaultMetrics, Registry } from 'prom-client';

/** The metrics of this process, which the health server answers at `/metrics` in Prometheus' text format. */
export const metrics = new Registry();

collectDefaultMetrics({ register: metrics });
