import type { LoggerService } from '@nestjs/common';
import { pino, type Logger } from 'pino';
import { loggedError } from './logged-error.js';

export type { Logger };

/** The process's logger: one JSON line per event on standard output, without credentials and values of the database. */
export function createLogger(service: string, level: string): Logger {
  return pino({
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: loggedError },
    redact: ['authorization', '*.authorization', 'headers.authorization', 'key', '*.key'],
  });
}

/**
 * What Nest itself has to say: warnings and errors, its start-up chatter only when debugging. An error goes beside the
 * message, not into it.
 */
export function nestLogger(logger: Logger): LoggerService {
  return {
    log: (message: unknown) => logger.debug({ message }),
    debug: (message: unknown) => logger.debug({ message }),
    verbose: (message: unknown) => logger.trace({ message }),
    warn: (message: unknown, detail?: unknown) =>
      logger.warn(...lineOf(message, detail instanceof Error ? detail : undefined)),
    error: (message: unknown, detail?: unknown) => logger.error(...lineOf(message, detail)),
    fatal: (message: unknown, detail?: unknown) => logger.fatal(...lineOf(message, detail)),
  };
}

/** Beside an error there is always a text: pino would take the error's own, with all that is in it. */
function lineOf(message: unknown, detail: unknown): [line: object, text?: string] {
  return detail instanceof Error ? [{ err: detail }, String(message)] : [{ message, stack: detail }];
}
