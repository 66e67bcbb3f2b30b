import { expect, vi } from 'vitest';

/** Longer than any machine is busy. `revocation.soak.test.ts` measures the promised time. */
const timeoutMs = 60_000;
const intervalMs = 10;

/**
 * Uses a credential repeatedly, as a busy client does, until it is refused, and expects that it stays refused.
 *
 * @param statusNow uses it once and returns the status
 */
export async function untilRefused(statusNow: () => Promise<number>, refusal = 401): Promise<void> {
  const isRefused = async () => {
    const status = await statusNow();
    expect([200, refusal]).toContain(status);
    return status === refusal;
  };
  await vi.waitUntil(isRefused, { timeout: timeoutMs, interval: intervalMs });
  for (let uses = 0; uses < 3; uses += 1) expect(await statusNow()).toBe(refusal);
}
