import { setTimeout as delay } from 'node:timers/promises';
import { percentile } from '@rapport/testing';
import type { Receiver } from '../test/receiver.ts';
import type { WebhookTenant } from '../test/sync-platform.ts';

/** Creates customers at a steady pace, whatever became of the ones before. */
export async function createSteadily(tenant: WebhookTenant, count: number, perSecond: number): Promise<void> {
  const calls: Promise<string>[] = [];
  const start = performance.now();
  for (let number = 0; number < count; number++) {
    await delay(Math.max(0, start + (number * 1_000) / perSecond - performance.now()));
    calls.push(tenant.createCustomer(`Ada ${number}`));
  }
  await Promise.all(calls);
}

/** Notes how old each event is at its first attempt, by the clock of the machine: since the statement before its commit. */
export function noteAges(receivers: readonly Receiver[]): number[] {
  const ages: number[] = [];
  for (const receiver of receivers) {
    receiver.behave = ({ event }) => {
      ages.push(Date.now() - Date.parse(event.timestamp));
      return { status: 204 };
    };
  }
  return ages;
}

export function figures(ages: number[]): { count: number; p50Ms: number; p95Ms: number; p99Ms: number } {
  const sorted = Float64Array.from(ages).sort();
  const at = (share: number) => percentile(sorted, share);
  return { count: ages.length, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) };
}
