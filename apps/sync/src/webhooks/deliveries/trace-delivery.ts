import { continueTrace, linkTo, SpanKind, type Span } from '@rapport/platform';
import type { Attempt } from './start-attempts.js';

/** Starts the span of an attempt as a child of the first traced event, with links to the others. */
export function startDelivery({ number, events }: Attempt): Span | undefined {
  const [first, ...others] = new Set(events.flatMap(({ traceparent }) => traceparent ?? []));
  const start = { kind: SpanKind.CONSUMER, attributes: { 'rapport.attempt': number }, links: others.flatMap(linkTo) };
  return continueTrace('webhook deliver', start, first);
}
