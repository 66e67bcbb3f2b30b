import type { Logger } from './logging/logger.js';
import { stopTracing } from './tracing/tracing.js';

/** Longest time a process takes to finish its running calls, in milliseconds. */
const stopTimeoutMs = 8_000;

/**
 * To be called when the process serves: a parent that started it with an IPC channel learns of it by the message `serving`.
 * Calls `stop` once when the process is told to end: by SIGTERM, by SIGINT, or by the death of such a parent. Ends the process
 * when `stop` is done or takes too long.
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
  // Told again, it goes on finishing its calls.
  process.on('SIGTERM', () => end('SIGTERM'));
  process.on('SIGINT', () => end('SIGINT'));
  process.once('disconnect', () => end('parent gone'));
  process.send?.('serving');
}

/** What keeps the process from ending, such as `TCPSocketWrap`, and how many of each there are. */
function openResources(): Record<string, number> {
  const byKind = Object.groupBy(process.getActiveResourcesInfo(), (kind) => kind);
  return Object.fromEntries(Object.entries(byKind).map(([kind, all]) => [kind, all?.length ?? 0]));
}
