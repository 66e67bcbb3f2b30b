import type { Logger } from './logging/logger.js';
import { stopTracing } from './tracing/tracing.js';

/** Longest time that a process takes to finish its running calls, in milliseconds. */
const stopTimeoutMs = 8_000;

/**
 * Call this when the process serves. It sends the message `serving` to a parent that has an IPC channel. It calls
 * `stop` once on SIGTERM, on SIGINT, or when such a parent dies, and ends the process when `stop` resolves or takes too
 * long.
 */
export function runUntilStopped(logger: Logger, stop: () => Promise<void>): void {
  let stopping = false;
  const end = (why: string) => {
    if (stopping) return;
    stopping = true;
    logger.info({ why }, 'stopping');
    setTimeout(() => {
      logger.error({ open: openResources() }, 'did not stop in time');
      process.exit(1);
    }, stopTimeoutMs).unref();
    stop()
      .then(stopTracing)
      .then(
        () => process.exit(0),
        (error: unknown) => {
          logger.error({ err: error }, 'failed to stop');
          process.exit(1);
        },
      );
  };
  // A second signal does not interrupt it.
  process.on('SIGTERM', () => end('SIGTERM'));
  process.on('SIGINT', () => end('SIGINT'));
  process.once('disconnect', () => end('parent gone'));
  process.send?.('serving');
}

/** Resources that prevent the process from ending, such as `TCPSocketWrap`, and the number of each. */
function openResources(): Record<string, number> {
  const byKind = Object.groupBy(process.getActiveResourcesInfo(), (kind) => kind);
  return Object.fromEntries(Object.entries(byKind).map(([kind, all]) => [kind, all?.length ?? 0]));
}
