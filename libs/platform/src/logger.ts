import type { LoggerService } from '@nestjs/common';
import { pino, type Logger } from 'pino';

export type { Logger };

/** The process's logger: one JSON line per event on standard output, without credentials. */
export function createLogger(service: string, level: string): Logger {
  return pino({
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ['authorization', '*.authorization', 'headers.authorization', 'key', '*.key'],
  });
}

/** What Nest itself has to say: warnings and errors, its start-up chatter only when debugging. */
export function nestLogger(logger: Logger): LoggerService {
  return {
    log: (message: unknown) => logger.debug({ message }),
    debug: (message: unknown) => logger.debug({ message }),
    verbose: (message: unknown) => logger.trace({ message }),
    warn: (message: unknown) => logger.warn({ message }),
    error: (message: unknown, stack?: unknown) => logger.error({ message, stack }),
    fatal: (message: unknown, stack?: unknown) => logger.fatal({ message, stack }),
  };
}
