import { setTimeout as wait } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import { context, type Tracer } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TraceIdRatioBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Logger } from '../logging/logger.js';

/** How long spans wait to be batched, in milliseconds. */
const gatherMs = 1_000;
/** Timeout of a request to the collector, in milliseconds. */
const sendTimeoutMs = 5_000;
const stopTimeoutMs = 2_000;

export interface Exporting {
  tracer: Tracer;
  /** Sends the buffered spans. */
  stop: () => Promise<void>;
}

/**
 * Creates traces and sends them to a collector by OTLP. Spans that it can't deliver are dropped: nothing waits for it,
 * and the buffer is bounded.
 */
export function exportTraces(
  { process, endpoint, share }: { process: string; endpoint: string; share: number },
  logger: Logger,
): Exporting {
  const exporter = new OTLPTraceExporter({
    url: new URL('v1/traces', endpoint.replace(/\/?$/, '/')).href,
    timeoutMillis: sendTimeoutMs,
  });
  tellFailures(exporter, logger);
  const provider = new TracerProvider({
    resource: defaultResource().merge(
      resourceFromAttributes({
        'service.namespace': 'rapport',
        'service.name': process,
        'service.instance.id': randomUUID(),
      }),
    ),
    // Depends on the trace id alone, so every process samples the same traces.
    sampler: new TraceIdRatioBasedSampler(share),
    spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: gatherMs })],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const stop = async () => {
    const stopped = provider.shutdown().catch(() => undefined);
    await Promise.race([stopped, wait(stopTimeoutMs, undefined, { ref: false })]);
  };
  return { tracer: provider.getTracer('rapport'), stop };
}

/** Logged once per outage: while the collector is down, every batch fails. */
function tellFailures(exporter: OTLPTraceExporter, logger: Logger): void {
  let isLogged = false;
  const send = exporter.export.bind(exporter);
  exporter.export = (spans, done) =>
    send(spans, (result) => {
      const { error } = result;
      if (error && !isLogged) logger.warn({ err: error }, 'traces could not be sent');
      isLogged = error !== undefined;
      done(result);
    });
}
