import { setTimeout as delay } from 'node:timers/promises';

const stepMs = 20;

/**
 * Whether a condition comes true in time. The time is counted in steps: while the machine is too busy to run this process,
 * no time passes.
 */
export async function comesTrueWithinMs(limitMs: number, isTrue: () => boolean | Promise<boolean>): Promise<boolean> {
  for (let passedMs = 0; passedMs < limitMs; passedMs += stepMs) {
    if (await isTrue()) return true;
    await delay(stepMs);
  }
  return isTrue();
}
