import { setTimeout as delay } from 'node:timers/promises';

const intervalMs = 10;
const longestMs = 5_000;

/**
 * Asks again and again until it passes no longer, 5 s at most.
 *
 * @returns how long after the call the last question that passed was sent, in milliseconds; -1 when none passed. When the
 *   question was sent counts, not when it was answered, so the figure holds on a machine of any speed.
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
