import { setTimeout as wait } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import { context, type Tracer } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TraceIdRatioBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Logger } from '../logging/logger.js';

/** How long spans wait for others, in milliseconds. */
const gatherMs = 1_000;
/** How long one request to the collector may take, in milliseconds. */
const sendTimeoutMs = 5_000;
const stopTimeoutMs = 2_000;

export interface Exporting {
  tracer: Tracer;
  /** Sends what is left. */
  stop: () => Promise<void>;
}

/**
 * Makes traces and sends them to a collector by OTLP. What it does not take is dropped: nothing waits for it, and the memory
 * for what waits to be sent is bounded.
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
    // By the trace's id alone: whoever decides, decides the same.
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

/** Said once: while the collector is away, it is away for every batch. */
function tellFailures(exporter: OTLPTraceExporter, logger: Logger): void {
  let isTold = false;
  const send = exporter.export.bind(exporter);
  exporter.export = (spans, done) =>
    send(spans, (result) => {
      const { error } = result;
      if (error && !isTold) logger.warn({ err: error }, 'traces could not be sent');
      isTold = error !== undefined;
      done(result);
    });
}
