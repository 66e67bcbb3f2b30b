import { vi } from 'vitest';

/** Waits until something holds. Its bound is longer than any machine takes. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  await vi.waitUntil(holds, { timeout: 100_000, interval: 20 });
}
