import { errorKind, failSpan, SpanKind, startSpan } from '@rapport/platform';
import type { QueryConfig } from 'pg';
import { statementSummary } from './statement-summary.js';
import { isDriven, type QueryInput } from './query-input.js';

/**
 * Starts the span of a query within a trace. Its name has the operation and the table, and no values.
 *
 * @returns a function that ends the span, with the error of a failed query
 */
export function startStatementSpan(query: QueryInput): ((error?: unknown) => void) | undefined {
  const summary = isDriven(query) ? query.summary : summaryOf(query);
  const span = startSpan(summary ?? 'SQL', {
    kind: SpanKind.CLIENT,
    attributes: { 'db.system.name': 'postgresql', ...(summary && { 'db.query.summary': summary }) },
  });
  if (!span) return undefined;
  return (error) => {
    if (error) failSpan(span, errorKind(error));
    span.end();
  };
}

function summaryOf(query: string | QueryConfig): string {
  return typeof query === 'string' ? statementSummary(query) : (query.name ?? statementSummary(query.text));
}
