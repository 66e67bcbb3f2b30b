import { Duplex } from 'node:stream';
import type { sendUnaryData } from '@grpc/grpc-js';
import { Catch, type ArgumentsHost, type RpcExceptionFilter } from '@nestjs/common';
import { AppError, callContext, currentTraceId, type Logger } from '@rapport/platform';
import { of, throwError, type Observable } from 'rxjs';
import { toGrpcStatus } from '../errors/grpc-status.js';

/** Turns whatever a handler throws into a gRPC status. What is not an AppError is logged and leaves without detail. */
@Catch()
export class ErrorFilter implements RpcExceptionFilter<unknown> {
  constructor(private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): Observable<unknown> {
    const status = toGrpcStatus(this.#asAppError(error));
    const call = host.getArgByIndex<unknown>(0);
    const callback = host.getArgByIndex<unknown>(1);
    // grpc-js makes a Duplex of a call with a stream of requests and one answer too.
    if (call instanceof Duplex && typeof callback !== 'function') {
      // A call of streams in both directions has no other way to end with a status.
      call.emit('error', status);
      return of(undefined);
    }
    if (typeof callback !== 'function') return throwError(() => status);
    // A streaming handler answers through its callback; Nest drops the observable's error.
    (callback as sendUnaryData<unknown>)(status);
    return of(undefined);
  }

  #asAppError(error: unknown): AppError {
    if (error instanceof AppError) return error;
    const { requestId } = callContext.getStore() ?? {};
    this.logger.error({ err: error, requestId, traceId: currentTraceId() }, 'unexpected error');
    return new AppError('INTERNAL', 'INTERNAL', 'Something went wrong on our side.');
  }
}
