import { errorKind, failSpan, SpanKind, startSpan, type Span } from '@rapport/platform';
import type { Pool, QueryConfig } from 'pg';
import { statementSummary } from './statement-summary.js';

type Query = (...input: unknown[]) => unknown;

/** What a client of pg drives itself: its statements are ended by a callback. */
interface Driven {
  submit: unknown;
  callback?: unknown;
  summary?: string;
}

/** Makes a span of each query through the pool that belongs to a trace. It says what is done to which table, and no values. */
export function traceStatements(pool: Pool): void {
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as Query;
    const tracedQuery: Query = (...input) => {
      const [first] = input as [string | QueryConfig | Driven];
      const isDriven = typeof first === 'object' && 'submit' in first;
      // Streams, which nobody waits for at once.
      if (isDriven && !first.callback) return query(...input);
      const summary = isDriven ? first.summary : summaryOf(first);
      const span = startSpan(summary ?? 'SQL', {
        kind: SpanKind.CLIENT,
        attributes: { 'db.system.name': 'postgresql', ...(summary && { 'db.query.summary': summary }) },
      });
      if (!span) return query(...input);
      if (!isDriven) return endWith(span, query(...input));
      const settle = first.callback as (error: unknown, results: unknown) => void;
      first.callback = (error: unknown, results: unknown) => {
        end(span, error);
        settle(error, results);
      };
      return query(...input);
    };
    client.query = tracedQuery as typeof client.query;
  });
}

function summaryOf(query: string | QueryConfig): string {
  return typeof query === 'string' ? statementSummary(query) : (query.name ?? statementSummary(query.text));
}

function endWith(span: Span, answer: unknown): unknown {
  if (!(answer instanceof Promise)) {
    span.end();
    return answer;
  }
  return answer.then(
    (result: unknown) => {
      span.end();
      return result;
    },
    (error: unknown) => {
      end(span, error);
      throw error;
    },
  );
}

function end(span: Span, error: unknown): void {
  if (error) failSpan(span, errorKind(error));
  span.end();
}
