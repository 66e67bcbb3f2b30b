import type { LoggerService } from '@nestjs/common';
import { pino, type Logger } from 'pino';
import { loggedError } from './logged-error.js';

export type { Logger };

/** The process's logger: one JSON line per event on standard output, without credentials and database values. */
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
 * Nest's own log: warnings and errors, and startup messages only when debugging. An error is logged as a field beside
 * the message, not in its text.
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

/** A text always accompanies an error: without one, pino logs the error's own message, which may contain values. */
function lineOf(message: unknown, detail: unknown): [line: object, text?: string] {
  return detail instanceof Error ? [{ err: detail }, String(message)] : [{ message, stack: detail }];
}
