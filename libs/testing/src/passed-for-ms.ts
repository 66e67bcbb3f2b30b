import { setTimeout as delay } from 'node:timers/promises';

const intervalMs = 10;
const longestMs = 5_000;

/**
 * Repeats a check until it no longer passes, for at most 5 s.
 *
 * @returns when the last passing check was sent after the call, in milliseconds; -1 when none passed. The time of sending
 *   counts, not of the answer, so the figure is valid on a machine of any speed.
 */
export async function passedForMs(passes: () => Promise<boolean>): Promise<number> {
  const start = performance.now();
  let lastMs = -1;
  for (;;) {
    const sentMs = performance.now() - start;
    if (sentMs > longestMs || !(await passes())) return lastMs;
    lastMs = sentMs;
    await delay(intervalMs);
  }
}
