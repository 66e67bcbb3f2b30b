import { setTimeout as delay } from 'node:timers/promises';
import type { UnexpectedExit } from '@rapport/testing';

/** Longest time until a process is started again, in milliseconds. */
const longestPauseMs = 30_000;

/** What has run for so long before it died begins with the shortest pause, in milliseconds. */
const steadyMs = 60_000;

/**
 * Starts processes again that die, and says so: what dies at once is tried again and again, after a pause that is twice as long
 * each time. Ends with `stopRequest`.
 *
 * @param onProgress told what is being done, a line at a time
 * @param shortestPauseMs how long it takes until a process is started again, in milliseconds
 * @returns to be called with each exit
 */
export function processRestarter(
  onProgress: (line: string) => void,
  stopRequest: AbortSignal,
  shortestPauseMs = 1_000,
): (exit: UnexpectedExit) => void {
  /** By name, how often it has died in a row, and since when it runs. */
  const deaths = new Map<string, { count: number; startedAt: number }>();
  const restart = async ({ name, reason, restart: start }: UnexpectedExit): Promise<void> => {
    if (stopRequest.aborted || !start) return;
    const last = deaths.get(name);
    const count = last && performance.now() - last.startedAt < steadyMs ? last.count + 1 : 1;
    const waitMs = Math.min(shortestPauseMs * 2 ** (count - 1), longestPauseMs);
    onProgress(`\n${reason}\n\nStarting ${name} again in ${waitMs / 1_000} s`);
    try {
      await delay(waitMs, undefined, { signal: stopRequest });
      deaths.set(name, { count, startedAt: performance.now() });
      await start();
      onProgress(`${name} is running again`);
    } catch (error) {
      await restart({ name, reason: (error as Error).message, restart: start });
    }
  };
  return (exit) => void restart(exit);
}
