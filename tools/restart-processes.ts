import { setTimeout as delay } from 'node:timers/promises';
import type { UnexpectedExit } from '@rapport/testing';

/** Longest delay of a restart, in milliseconds. */
const longestPauseMs = 30_000;

/** After this run time a process counts as stable: its next restart has the shortest delay. In milliseconds. */
const steadyMs = 60_000;

/**
 * Restarts processes that die, and reports it. The delay doubles with each restart of an unstable process. Ends with
 * `stopRequest`.
 *
 * @param onProgress called with each line of progress
 * @param shortestPauseMs delay of the first restart, in milliseconds
 * @returns call it with each exit
 */
export function processRestarter(
  onProgress: (line: string) => void,
  stopRequest: AbortSignal,
  shortestPauseMs = 1_000,
): (exit: UnexpectedExit) => void {
  /** By name: the number of deaths in a row, and the last start. */
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
