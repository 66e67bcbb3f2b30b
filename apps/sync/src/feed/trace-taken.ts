import type { Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import { continueTrace, errorKind, failSpan, runInSpan, SpanKind, traceparentOf, type Span } from '@rapport/platform';

/**
 * Processes changes in a span for each trace among them. Statements belong to the span of the first.
 *
 * @param take receives the changes with the `traceparent` of that span, which their results continue
 */
export async function traceTaken(
  changes: readonly Change[],
  take: (changes: readonly Change[]) => Promise<void>,
): Promise<void> {
  const spans = new Map<string, Span>();
  for (const { traceparent } of changes) {
    if (traceparent === undefined || spans.has(traceparent)) continue;
    const span = continueTrace('change_feed take', { kind: SpanKind.CONSUMER }, traceparent);
    if (span) spans.set(traceparent, span);
  }
  const [first] = spans.values();
  if (!first) return take(changes);
  const traced = changes.map((change) => {
    const span = change.traceparent === undefined ? undefined : spans.get(change.traceparent);
    return span ? { ...change, traceparent: traceparentOf(span) } : change;
  });
  try {
    await runInSpan(first, () => take(traced));
  } catch (error) {
    for (const span of spans.values()) failSpan(span, errorKind(error));
    throw error;
  } finally {
    for (const span of spans.values()) span.end();
  }
}
