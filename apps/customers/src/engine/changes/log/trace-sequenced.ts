import { continueTrace, isTracing, SpanKind } from '@rapport/platform';

/**
 * Creates, for each trace among the changes, a span from the write to the position in the log.
 *
 * @param traces a `traceparent` and the time of its first change, in milliseconds, separated by a space
 */
export function traceSequenced(traces: readonly string[]): void {
  if (!isTracing()) return;
  for (const trace of traces) {
    const [traceparent, startTime] = trace.split(' ');
    const start = { kind: SpanKind.PRODUCER, startTime: Number(startTime) };
    continueTrace('change_log sequence', start, traceparent)?.end();
  }
}
