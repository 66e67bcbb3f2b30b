import { continueTrace, isTracing, SpanKind } from '@rapport/platform';

/**
 * Makes a span of the way from a write into the log for each trace that is in it.
 *
 * @param traces a `traceparent` and the time of its first change, in milliseconds, with a blank between them
 */
export function traceSequenced(traces: readonly string[]): void {
  if (!isTracing()) return;
  for (const trace of traces) {
    const [traceparent, startTime] = trace.split(' ');
    const start = { kind: SpanKind.PRODUCER, startTime: Number(startTime) };
    continueTrace('change_log sequence', start, traceparent)?.end();
  }
}
