import type { CallHandler, ExecutionContext, NestInterceptor, Type } from '@nestjs/common';
import { AppError, callContext, seesSomeOnly } from '@rapport/platform';
import type { Observable } from 'rxjs';

/** Refuses who may see some records only at every controller that is not known to tell records apart by their owners. */
export class RefuseNarrowScopes implements NestInterceptor {
  readonly #keepingScopes: ReadonlySet<Type>;

  constructor(keepingScopes: readonly Type[]) {
    this.#keepingScopes = new Set(keepingScopes);
  }

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (!this.#keepingScopes.has(execution.getClass())) refuseNarrowScope();
    return next.handle();
  }
}

/** @throws AppError PERMISSION_DENIED RECORD_SCOPE_UNSUPPORTED to a caller who may see some records only */
export function refuseNarrowScope(): void {
  if (!seesSomeOnly()) return;
  const { recordScope = 'ALL' } = callContext.getStore()?.caller ?? {};
  throw new AppError(
    'PERMISSION_DENIED',
    'RECORD_SCOPE_UNSUPPORTED',
    `The record scope ${recordScope} is not enough here: only who may see all records can call this.`,
    { metadata: { recordScope } },
  );
}
