import { setTimeout as delay } from 'node:timers/promises';

const timeoutMs = 100_000;

/** Waits until something holds. Its bound is longer than any machine takes. Benchmarks use it too, which run without Vitest. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error('Timed out.');
    // Between two looks, since there is nothing to listen to.
    await delay(100);
  }
}
