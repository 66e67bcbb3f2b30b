import { vi } from 'vitest';

/** A moment separate from everything before and after. */
export async function moment(): Promise<Date> {
  const nextMillisecond = async () => {
    const nowMs = Date.now();
    await vi.waitUntil(() => Date.now() > nowMs, { interval: 1 });
  };
  await nextMillisecond();
  const time = new Date();
  await nextMillisecond();
  return time;
}
