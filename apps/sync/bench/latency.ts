import type { Platform } from '@rapport/testing';
import { Receiver } from '../test/receiver.ts';
import { WebhookTenant } from '../test/sync-platform.ts';
import { createSteadily, figures, noteAges } from './steady-changes.ts';
import { until } from './until.ts';

const perSecond = 50;
const goalP95Ms = 500;

/** From a commit in customers to the first attempt, at a steady pace. */
export async function measureLatency(platform: Platform, scale: number): Promise<object> {
  const count = Math.max(50, Math.round(3_000 * scale));
  const tenant = await WebhookTenant.create(platform);
  const receiver = await Receiver.start();
  await tenant.endpoint(receiver.url, { payload: 'FULL' });
  await createSteadily(tenant, 50, perSecond);
  await until(() => receiver.requests.length === 50);

  const ages = noteAges([receiver]);
  await createSteadily(tenant, count, perSecond);
  await until(() => receiver.requests.length === 50 + count);

  await receiver.stop();
  const found = figures(ages);
  return { perSecond, ...found, goalP95Ms, reached: found.p95Ms < goalP95Ms };
}
