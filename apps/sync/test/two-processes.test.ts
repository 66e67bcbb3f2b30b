import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, type Platform, type Service } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Receiver, until } from './receiver.ts';
import { startSyncPlatform, WebhookTenant } from './sync-platform.ts';

/** More than one process may send to an endpoint at once, so that there is something left for the other. */
const customerCount = 40;

let dataDir: string;
let platform: Platform;
let processes: { service: Service; metricsUrl: string }[];
let receivers: Receiver[];

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'rapport-two-processes-'));
  // However slow the machine is, no attempt is to be made twice for that.
  platform = await startSyncPlatform({ ATTEMPT_TIMEOUT_MS: '60000' }, { dataDir });
  const { sync } = platform.services;
  const [grpcPort, healthPort] = [await freePort(), await freePort()];
  const env = { GRPC_ADDRESS: `127.0.0.1:${grpcPort}`, HEALTH_PORT: String(healthPort) };
  const second = sync.another({ name: 'sync-2', healthPort, env, logFile: join(dataDir, 'logs/sync-2.log') });
  processes = [
    { service: sync, metricsUrl: platform.metricsUrls.at(-1)! },
    { service: second, metricsUrl: `http://127.0.0.1:${healthPort}/metrics` },
  ];
  await second.start();
  receivers = await Promise.all([Receiver.start(), Receiver.start()]);
}, 120_000);
afterAll(async () => {
  await processes[1]?.service.stop();
  await Promise.all(receivers.map((receiver) => receiver.stop()));
  await platform.stop();
  await rm(dataDir, { recursive: true });
});

test(
  'two processes share deliveries: each comes once and in order, and a restart of one and then the other loses none',
  { timeout: 180_000 },
  async () => {
    const tenant = await WebhookTenant.create(platform);
    for (const { url } of receivers) await tenant.endpoint(url);
    const ids = await Promise.all(Array.from({ length: customerCount }, () => tenant.createCustomer()));
    let updates = 0;
    const updateAll = async () => {
      updates++;
      await Promise.all(ids.map((id) => tenant.updateCustomer(id, { jobTitle: `Analyst ${updates}` })));
    };
    const allCame = () => until(() => receivers.every((each) => each.ids.length === customerCount * (updates + 1)));

    while (!(await bothHaveDelivered())) await updateAll();
    await allCame();
    for (const { ids: different, taken } of receivers) expect(taken.length).toBe(different.length);

    for (const { service } of processes) {
      let isAway = true;
      const restarting = service
        .stop()
        .then(() => service.start())
        .finally(() => (isAway = false));
      while (isAway) await updateAll();
      await restarting;
    }
    await allCame();

    for (const receiver of receivers) {
      const versions = Map.groupBy(firstOfEach(receiver), ({ event }) => event.data['recordId']);
      for (const id of ids) {
        expect(versions.get(id)?.map(({ event }) => event.data['version'])).toEqual(
          Array.from({ length: updates + 1 }, (_, index) => index + 1),
        );
      }
    }
  },
);

async function bothHaveDelivered(): Promise<boolean> {
  const metrics = await Promise.all(processes.map(async ({ metricsUrl }) => (await fetch(metricsUrl)).text()));
  return metrics.every((text) => /^rapport_webhook_attempts_total\{next="DELIVERED"\} [1-9]/m.test(text));
}

function firstOfEach({ taken }: Receiver) {
  return [...new Map(taken.toReversed().map((request) => [request.id, request])).values()].toReversed();
}
