import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { handleError } from './handle-error.js';

/** Answers what happens outside the contract's routes, such as a path that no route has, in the same form. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    void handleError(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }
}
