import type { Step } from '@rapport/contracts/rapport/flows/v1/steps';
import { catcherOf } from './run-paths.js';

const secondMs = 1_000;

/** Attempts without a `retry` around the step: for about two hours. */
const untilPassed = { maxAttempts: 12, delaySeconds: 2, maxDelaySeconds: 1_800 };

/**
 * When a step is attempted again after a passing failure.
 *
 * @param attempt that has failed, from 1
 * @returns undefined if it was the last one
 */
export function nextAttempt(root: readonly Step[], path: string, attempt: number, now: Date): Date | undefined {
  const retry = catcherOf(root, path)?.step.try?.retry;
  const { maxAttempts, delaySeconds, maxDelaySeconds } = retry
    ? {
        maxAttempts: retry.maxAttempts,
        delaySeconds: retry.delaySeconds ?? 10,
        maxDelaySeconds: retry.maxDelaySeconds ?? 3_600,
      }
    : untilPassed;
  if (attempt >= maxAttempts) return undefined;
  const seconds = Math.min(delaySeconds * 2 ** Math.min(attempt - 1, 30), maxDelaySeconds);
  return new Date(now.getTime() + seconds * secondMs);
}
