import { errorKind, failSpan, SpanKind, startSpan } from '@rapport/platform';
import type { QueryConfig } from 'pg';
import { statementSummary } from './statement-summary.js';
import { isDriven, type QueryInput } from './query-input.js';

/**
 * Begins the span of a query that belongs to a trace. It says what is done to which table, and no values.
 *
 * @returns ends it, with the error of the query when it has failed
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
