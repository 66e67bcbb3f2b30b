import type { ExecutionContext, NestInterceptor, Type } from '@nestjs/common';
import { defer, from, lastValueFrom, mergeAll, type Observable } from 'rxjs';

/** Runs a handler of a controller. */
export type RunHandler = <Answer>(handle: () => Promise<Answer>) => Promise<Answer>;

/**
 * Surrounds the handlers of a controller with Nest interceptors, the first outermost. Of the execution context they have its
 * class only.
 */
export function runInterceptors(interceptors: readonly NestInterceptor[], controller: Type): RunHandler {
  if (interceptors.length === 0) return (handle) => handle();
  const execution = { getClass: () => controller } as unknown as ExecutionContext;
  const answersOf = (index: number, handle: () => Promise<unknown>): Observable<unknown> =>
    defer(() => {
      const interceptor = interceptors[index];
      if (!interceptor) return handle();
      const answers = interceptor.intercept(execution, { handle: () => answersOf(index + 1, handle) });
      return answers instanceof Promise ? from(answers).pipe(mergeAll()) : answers;
    });
  return <Answer>(handle: () => Promise<Answer>) => lastValueFrom(answersOf(0, handle)) as Promise<Answer>;
}
