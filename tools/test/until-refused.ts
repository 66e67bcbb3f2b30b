import { expect, vi } from 'vitest';

/** Longer than a machine is ever too busy. How soon it must be is what `revocation.soak.test.ts` measures. */
const timeoutMs = 60_000;
const intervalMs = 10;

/**
 * Uses a credential again and again, as a busy client does, until it is refused, and expects that it stays so.
 *
 * @param statusNow uses it once
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
