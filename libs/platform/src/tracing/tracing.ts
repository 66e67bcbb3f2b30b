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

/** What is said of a span when it begins. No ids, no values of records, nothing that a client wrote. */
export interface SpanStart {
  kind: SpanKind;
  attributes?: Attributes;
  startTime?: TimeInput;
  links?: Link[];
}

export interface TracingOptions {
  /** Name of the process. */
  process: string;
  /** Where OTLP over HTTP is taken, without `/v1/traces`. No traces are made when absent. */
  endpoint: string | undefined;
  /** Of the traces that begin here, the share that is recorded, from 0 to 1. */
  share?: number;
}

let exporting: Exporting | undefined;
/** Undefined while traces are off: then all that this costs is to look at it. */
let tracer: Tracer | undefined;

/** Turns traces on for this process when there is an endpoint; to be called before anything that is traced is made. */
export async function startTracing(options: TracingOptions, logger: Logger): Promise<void> {
  const { endpoint } = options;
  if (endpoint === undefined) return;
  // A process without traces does not even load what makes them.
  const { exportTraces } = await import('./export-traces.js');
  exporting = exportTraces({ share: 1, ...options, endpoint }, logger);
  ({ tracer } = exporting);
}

/** Sends what is left, for two seconds at most. */
export async function stopTracing(): Promise<void> {
  tracer = undefined;
  await exporting?.stop();
}

export function isTracing(): boolean {
  return tracer !== undefined;
}

/**
 * Begins a span that goes on from a `traceparent` (W3C Trace Context), or a new trace when there is none or it can't be read.
 * What its flags say of recording does not count: the share does. Undefined when it is not recorded.
 */
export function startTrace(name: string, start: SpanStart, traceparent?: string): Span | undefined {
  return begin(name, start, contextOf(traceparent));
}

/** Begins a span that goes on from a `traceparent`; undefined when there is none, or traces are off. */
export function continueTrace(name: string, start: SpanStart, traceparent: string | undefined): Span | undefined {
  return traceparent && tracer ? begin(name, start, contextOf(traceparent)) : undefined;
}

/** Begins a span within the one that is at work; undefined when none is. */
export function startSpan(name: string, start: SpanStart): Span | undefined {
  return tracer && trace.getActiveSpan() ? begin(name, start, context.active()) : undefined;
}

/** Does work within a span, which goes on after it. Without a span it just does the work. */
export function runInSpan<Result>(span: Span | undefined, work: () => Result): Result {
  return span ? context.with(trace.setSpan(context.active(), span), work) : work();
}

/** Does work within a span that ends with it. Without a span it just does the work. */
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

/** @param kind of error, never its text, which may have values in it */
export function failSpan(span: Span, kind: string): void {
  span.setAttribute('error.type', kind).setStatus({ code: SpanStatusCode.ERROR });
}

/** Such as `CUSTOMER_NOT_FOUND`, `23505` or `TypeError`. */
export function errorKind(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  if ('reason' in error && typeof error.reason === 'string') return error.reason;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

/** Keeps hold of the span that is at work, for what is done later and on behalf of others too. */
export function keepSpan(): <Result>(work: () => Result) => Result {
  if (!tracer) return doWork;
  const kept = context.active();
  return (work) => context.with(kept, work);
}

/** The `traceparent` by which others go on from a span, by default the one that is at work. */
export function traceparentOf(span: Span | undefined = tracer && trace.getActiveSpan()): string | undefined {
  if (!span) return undefined;
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

/** For lines of the log. */
export function currentTraceId(): string | undefined {
  return tracer && trace.getActiveSpan()?.spanContext().traceId;
}

/** What a link to the span of a `traceparent` is made of. */
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

/** `tracestate` is left behind: it is whatever a client wrote. */
function contextOf(traceparent = ''): Context {
  const [, version, traceId, spanId, flags = '', more] = traceparentForm.exec(traceparent) ?? [];
  // Only versions to come may have more parts.
  if (!traceId || !spanId || (version === '00' && more)) return ROOT_CONTEXT;
  const traceFlags = Number.parseInt(flags, 16);
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

function doWork<Result>(work: () => Result): Result {
  return work();
}
