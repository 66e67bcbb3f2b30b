import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/postgresql';
import { AppError, callContext } from '@rapport/platform';
import { catchError, Observable } from 'rxjs';
import { runWithEntityManager } from './call-entity-manager.js';
import { isConflict, isConnectionLoss, isLockTimeout, isStatementTimeout, refusalOf } from './database-errors.js';
import { tenantSession } from './tenant-isolation.js';

/**
 * Answers each call with an EntityManager of its own, which sees the rows of the caller's tenant only. Without a caller
 * it sees no tenant's rows. Runs inside the interceptor that sets the call's context.
 */
export class TenantSessionInterceptor implements NestInterceptor {
  constructor(private readonly orm: MikroORM) {}

  intercept(_execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const caller = callContext.getStore()?.caller;
    const session = caller && tenantSession(caller.tenantId);
    return new Observable((subscriber) =>
      runWithEntityManager(this.orm.em, session, () =>
        next.handle().pipe(catchError(rethrowKnown)).subscribe(subscriber),
      ),
    );
  }
}

/** The failures of a database that a caller can do something about: wait, try again, ask for less. */
function rethrowKnown(error: unknown): never {
  const refusal = refusalOf(error);
  if (refusal) throw refusal;
  if (isConnectionLoss(error)) {
    throw new AppError('UNAVAILABLE', 'DATABASE_UNAVAILABLE', 'The database can not be reached. Try again.', {
      cause: error,
      retryAfterSeconds: 1,
    });
  }
  if (isConflict(error) || isLockTimeout(error)) {
    throw new AppError('ABORTED', 'CONCURRENT_WRITE', 'Another write was in the way. Try again.', {
      cause: error,
      retryAfterSeconds: 1,
    });
  }
  if (isStatementTimeout(error)) {
    throw new AppError(
      'DEADLINE_EXCEEDED',
      'DATABASE_TIMEOUT',
      'The database took too long. Ask for less, or try again.',
      {
        cause: error,
      },
    );
  }
  throw error;
}
