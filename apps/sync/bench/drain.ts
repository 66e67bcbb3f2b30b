import { setTimeout as delay } from 'node:timers/promises';
import { rssMib, type Platform } from '@rapport/testing';
import { Receiver } from '../test/receiver.ts';
import { WebhookTenant } from '../test/sync-platform.ts';
import { until } from './until.ts';

const goalGrowthMib = 64;

/** Many deliveries that wait for an endpoint, and then all of them are sent: how fast, and in how much memory. */
export async function measureDrain(platform: Platform, scale: number): Promise<object> {
  const count = Math.max(500, Math.round(100_000 * scale));
  const tenant = await WebhookTenant.create(platform);
  const receiver = await Receiver.start();
  receiver.behave = () => ({ status: 503, headers: { 'retry-after': '86400' } });
  const { id } = await tenant.endpoint(receiver.url);
  await importCustomers(tenant, count);
  await until(async () => (await pending(tenant, id)) === count);

  receiver.requests.length = 0;
  let taken = 0;
  receiver.behave = () => {
    taken++;
    // A receiver that keeps every request is not what is measured.
    receiver.requests.length = 0;
    return { status: 204 };
  };
  const rss = () => rssMib(platform.services.sync.pid) ?? 0;
  const samples: number[] = [];
  const start = performance.now();
  // Ends what the endpoint has asked for.
  await tenant.ok('PATCH', `/v1/webhookEndpoints/${id}`, { state: 'DISABLED' });
  await tenant.ok('PATCH', `/v1/webhookEndpoints/${id}`, { state: 'ENABLED' });
  await tenant.query(`update webhook_job set due_time = now() where endpoint_id = $1`, [id]);
  while (taken < count) {
    await delay(500);
    samples.push(rss());
  }
  const seconds = (performance.now() - start) / 1_000;
  await until(async () => (await pending(tenant, id)) === 0);
  await receiver.stop();

  const tenth = Math.ceil(samples.length / 10);
  const peak = (part: number[]) => Math.max(...part);
  // What a process that has warmed up uses, and what it uses at the end.
  const [early, late] = [peak(samples.slice(tenth, 3 * tenth)), peak(samples.slice(-2 * tenth))];
  return {
    count,
    seconds: Math.round(seconds),
    perSecond: Math.round(count / seconds),
    ...{ earlyMib: early, lateMib: late, peakMib: peak(samples), goalGrowthMib },
    reached: late - early <= goalGrowthMib,
  };
}

async function importCustomers(tenant: WebhookTenant, count: number): Promise<void> {
  const batch = 10_000;
  for (let start = 0; start < count; start += batch) {
    const lines = Array.from({ length: Math.min(batch, count - start) }, (_, index) =>
      JSON.stringify({
        kind: 'PERSON',
        displayName: `Ada ${start + index}`,
        emails: [{ address: `ada${start + index}@example.com` }],
      }),
    );
    const answer = await fetch(`${tenant.platform.edgeUrl}/v1/customers:import`, {
      method: 'POST',
      headers: { authorization: `Bearer ${tenant.apiKey}`, 'content-type': 'application/x-ndjson' },
      body: lines.join('\n'),
    });
    if (!answer.ok) throw new Error(`The import was refused: ${answer.status} ${await answer.text()}`);
  }
}

async function pending(tenant: WebhookTenant, endpointId: string): Promise<number> {
  const [row] = await tenant.query<{ count: number }>(
    `select count(*)::int as count from webhook_delivery where endpoint_id = $1 and state = 'PENDING'`,
    [endpointId],
  );
  return row?.count ?? 0;
}
