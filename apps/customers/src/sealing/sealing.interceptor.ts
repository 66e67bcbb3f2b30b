import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { EntityManager } from '@mikro-orm/postgresql';
import { callContext } from '@rapport/platform';
import { catchError, Observable } from 'rxjs';
import { withSeal } from './seal.js';
import { sealMissing } from './sealed-messages.js';
import { Sealing } from './sealing.js';

/** Answers the calls of tenants whose personal data is encrypted with their keys at hand. Runs inside the tenant's session. */
export class SealingInterceptor implements NestInterceptor {
  readonly #sealing: Sealing;

  constructor(private readonly em: EntityManager) {
    this.#sealing = Sealing.of(em);
  }

  intercept(_execution: ExecutionContext, next: CallHandler): Observable<unknown> | Promise<Observable<unknown>> {
    const caller = callContext.getStore()?.caller;
    if (!caller || this.#sealing.isKnownOff(caller.tenantId)) return this.#answers(next, caller?.tenantId);
    return this.#sealing
      .sealOf(this.em, caller.tenantId)
      .then((seal) =>
        seal
          ? new Observable((subscriber) =>
              withSeal(seal, () => this.#answers(next, caller.tenantId).subscribe(subscriber)),
            )
          : this.#answers(next, caller.tenantId),
      );
  }

  /** The database refuses what is not sealed from the moment on in which encryption is turned on. */
  #answers(next: CallHandler, tenantId = ''): Observable<unknown> {
    return next.handle().pipe(
      catchError((error: unknown) => {
        if (!isRefused(error)) throw error;
        this.#sealing.forget(tenantId);
        throw sealMissing();
      }),
    );
  }
}

/** Whether a row was refused by a policy `sealed_only`. */
function isRefused(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '42501' && error.message.includes('"sealed_only"');
}
