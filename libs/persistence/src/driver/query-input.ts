import type { QueryConfig } from 'pg';

/**
 * An object that drives a client of pg itself, such as a pipeline or a stream. It ends through its callback, if it has
 * one.
 */
interface Driven {
  submit: unknown;
  callback?: unknown;
  /** For traces. */
  summary?: string;
}

/** The first argument of `client.query`. */
export type QueryInput = string | QueryConfig | Driven;

export function isDriven(query: QueryInput): query is Driven {
  return typeof query === 'object' && 'submit' in query;
}

/**
 * Runs a query, and calls `settled` on its result or error. It does not call it for a stream, which has no single
 * moment of completion. An error that `settled` returns takes the place of a result.
 */
export function runObserved(
  query: (...input: unknown[]) => unknown,
  input: unknown[],
  settled: (error?: unknown) => Error | undefined,
): unknown {
  const [first] = input as [QueryInput];
  if (isDriven(first)) {
    const callback = first.callback;
    if (typeof callback !== 'function') return query(...input);
    first.callback = (error: unknown, results: unknown): unknown => {
      return (callback as (error: unknown, results: unknown) => unknown)(settled(error) ?? error, results);
    };
    return query(...input);
  }
  const answer = query(...input);
  if (!(answer instanceof Promise)) {
    settled();
    return answer;
  }
  return answer.then(
    (result: unknown) => {
      const failure = settled();
      if (failure) throw failure;
      return result;
    },
    (error: unknown) => {
      settled(error);
      throw error;
    },
  );
}
