import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { AppError, callContext } from '@rapport/platform';
import type { Observable } from 'rxjs';

/** Records are not told apart by their owners here yet: whoever may see some of them only sees none. */
export class RefuseNarrowScopes implements NestInterceptor {
  intercept(_execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { recordScope = 'ALL' } = callContext.getStore()?.caller ?? {};
    if (recordScope === 'ALL') return next.handle();
    throw new AppError(
      'PERMISSION_DENIED',
      'RECORD_SCOPE_UNSUPPORTED',
      `The record scope ${recordScope} is not supported here yet: only who may see all records can call this.`,
      { metadata: { recordScope } },
    );
  }
}
