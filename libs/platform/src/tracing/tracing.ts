import {
  context,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Link,
  type Span,
  type SpanKind,
  type TimeInput,
  type Tracer,
} from '@opentelemetry/api';
import type { Logger } from '../logging/logger.js';
import type { Exporting } from './export-traces.js';

export { SpanKind, type Span } from '@opentelemetry/api';

/** Attributes of a span at its start. No ids, no values of records, no text of a client. */
export interface SpanStart {
  kind: SpanKind;
  attributes?: Attributes;
  startTime?: TimeInput;
  links?: Link[];
}

export interface TracingOptions {
  /** Name of the process. */
  process: string;
  /** OTLP endpoint over HTTP, without `/v1/traces`. Tracing is off when absent. */
  endpoint: string | undefined;
  /** Sampling rate of the traces that start here, from 0 to 1. */
  share?: number;
}

let exporting: Exporting | undefined;
/** Undefined while tracing is off, which makes tracing cost one comparison. */
let tracer: Tracer | undefined;

/** Turns on tracing for this process when there is an endpoint. Call it before creating anything that is traced. */
export async function startTracing(options: TracingOptions, logger: Logger): Promise<void> {
  const { endpoint } = options;
  if (endpoint === undefined) return;
  // A process without tracing does not even load the OpenTelemetry SDK.
  const { exportTraces } = await import('./export-traces.js');
  exporting = exportTraces({ share: 1, ...options, endpoint }, logger);
  ({ tracer } = exporting);
}

/** Sends the buffered spans, for at most two seconds. */
export async function stopTracing(): Promise<void> {
  tracer = undefined;
  await exporting?.stop();
}

export function isTracing(): boolean {
  return tracer !== undefined;
}

/**
 * Starts a span that continues a `traceparent` (W3C Trace Context), or a new trace when it is absent or malformed. The
 * sampled flag is ignored in favour of the own sampling rate. Undefined when the trace is not sampled.
 */
export function startTrace(name: string, start: SpanStart, traceparent?: string): Span | undefined {
  return begin(name, start, contextOf(traceparent));
}

/** Starts a span that continues a `traceparent`; undefined without one, or when tracing is off. */
export function continueTrace(name: string, start: SpanStart, traceparent: string | undefined): Span | undefined {
  return traceparent && tracer ? begin(name, start, contextOf(traceparent)) : undefined;
}

/** Starts a child of the active span; undefined without an active span. */
export function startSpan(name: string, start: SpanStart): Span | undefined {
  return tracer && trace.getActiveSpan() ? begin(name, start, context.active()) : undefined;
}

/** Runs work with a span active, and leaves the span open. Without a span it only runs the work. */
export function runInSpan<Result>(span: Span | undefined, work: () => Result): Result {
  return span ? context.with(trace.setSpan(context.active(), span), work) : work();
}

/** Runs work within a span and ends the span. Without a span it only runs the work. */
export async function inSpan<Result>(span: Span | undefined, work: () => Promise<Result>): Promise<Result> {
  if (!span) return work();
  try {
    return await runInSpan(span, work);
  } catch (error) {
    failSpan(span, errorKind(error));
    throw error;
  } finally {
    span.end();
  }
}

/** @param kind of error, never its message, which may contain values */
export function failSpan(span: Span, kind: string): void {
  span.setAttribute('error.type', kind).setStatus({ code: SpanStatusCode.ERROR });
}

/** Such as `CUSTOMER_NOT_FOUND`, `23505` or `TypeError`. */
export function errorKind(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  if ('reason' in error && typeof error.reason === 'string') return error.reason;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

/** Retains the active span, for later work on behalf of several callers. */
export function keepSpan(): <Result>(work: () => Result) => Result {
  if (!tracer) return doWork;
  const kept = context.active();
  return (work) => context.with(kept, work);
}

/** The `traceparent` that continues a span, by default the active one. */
export function traceparentOf(span: Span | undefined = tracer && trace.getActiveSpan()): string | undefined {
  if (!span) return undefined;
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

/** Fields for log lines. */
export function currentTraceId(): string | undefined {
  return tracer && trace.getActiveSpan()?.spanContext().traceId;
}

/** The link to the span of a `traceparent`. */
export function linkTo(traceparent: string): Link[] {
  const spanContext = trace.getSpanContext(contextOf(traceparent));
  return spanContext ? [{ context: spanContext }] : [];
}

function begin(name: string, start: SpanStart, parent: Context): Span | undefined {
  const span = tracer?.startSpan(name, start, parent);
  return span?.isRecording() ? span : undefined;
}

// https://www.w3.org/TR/trace-context/#traceparent-header
const traceparentForm = /^((?!ff)[\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})($|-)/;

/** `tracestate` is dropped: its content is a client's. */
function contextOf(traceparent = ''): Context {
  const [, version, traceId, spanId, flags = '', more] = traceparentForm.exec(traceparent) ?? [];
  // Only future versions may have more parts.
  if (!traceId || !spanId || (version === '00' && more)) return ROOT_CONTEXT;
  const traceFlags = Number.parseInt(flags, 16);
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

function doWork<Result>(work: () => Result): Result {
  return work();
}
