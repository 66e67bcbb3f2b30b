import type { Platform } from '@rapport/testing';
import { Receiver } from '../test/receiver.ts';
import { WebhookTenant } from '../test/sync-platform.ts';
import { createSteadily, figures, noteAges } from './steady-changes.ts';
import { until } from './until.ts';

const endpoints = 10;
const perSecond = 10;
const rounds = 3;
const goalRatio = 2;

/** Ten endpoints that all are well, and then with one of them dead: what that does to the other nine. */
export async function measureNeighbours(platform: Platform, scale: number): Promise<object> {
  const count = Math.max(20, Math.round(300 * scale));
  const tenant = await WebhookTenant.create(platform);
  const receivers = await Promise.all(Array.from({ length: endpoints }, () => Receiver.start()));
  for (const { url } of receivers) await tenant.endpoint(url);
  const others = receivers.slice(1);
  const dead = receivers[0]!;
  const measure = async () => {
    const before = others.map(({ requests }) => requests.length);
    const ages = noteAges(others);
    await createSteadily(tenant, count, perSecond);
    await until(() => others.every(({ requests }, index) => requests.length === before[index]! + count));
    return figures(ages);
  };

  await measure();
  const pairs = [];
  for (let round = 0; round < rounds; round++) {
    dead.behave = () => ({ status: 204 });
    const well = await measure();
    dead.behave = () => 'hang';
    const withDead = await measure();
    pairs.push({ well, withDead, ratioP99: Number((withDead.p99Ms / well.p99Ms).toFixed(2)) });
  }
  await Promise.all(receivers.map((receiver) => receiver.stop()));
  const ratios = pairs.map(({ ratioP99 }) => ratioP99).toSorted((one, other) => one - other);
  const ratioP99 = ratios[Math.floor(rounds / 2)]!;
  return { endpoints, perSecond, pairs, ratioP99, goalRatio, reached: ratioP99 <= goalRatio };
}
