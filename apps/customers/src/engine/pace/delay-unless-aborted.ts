import { setTimeout as delay } from 'node:timers/promises';

/** Resolves after some milliseconds, or when `signal` is aborted. */
export async function delayUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
