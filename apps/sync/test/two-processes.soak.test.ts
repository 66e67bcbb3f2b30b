import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, printTally, sizeOf, soakTimeoutMs, type Platform, type Service } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { declareLargeTable } from './exchange/large-table.ts';
import { declareHookLimits } from './hooks/hook-limits.ts';
import { declareLargeChanges } from './large-changes.ts';
import { declareLateWork } from './late-work.ts';
import { declareChangeOfMasterKey } from './master-key.ts';
import { declareCutAttempts, declareLossOfDatabase, declareStopAmidStep } from './outages.ts';
import { Receiver } from './receiver.ts';
import { declareStoppedEndpoints } from './stopped-endpoints.ts';
import { startSyncPlatform, WebhookTenant } from './sync-platform.ts';

/** More than one process may send to an endpoint at once, so that there is something left for the other. */
const customerCount = sizeOf('RESTART_CUSTOMERS', { short: 20, long: 40 });
const restarts = sizeOf('RESTARTS', { short: 1, long: 30 });

let folder: string;
let retiredKeys: string;
let platform: Platform;
let processes: { service: Service; metricsUrl: string }[];
let receivers: Receiver[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rapport-retired-keys-'));
  retiredKeys = join(folder, 'retired-master-keys');
  await writeFile(retiredKeys, '');
  // It has two processes of sync, which are restarted. However slow the machine is, no attempt is to be made twice for that.
  platform = await startSyncPlatform({ ATTEMPT_TIMEOUT_MS: '60000', RETIRED_MASTER_KEYS_FILE: retiredKeys });
  const { sync } = platform.services;
  const [grpcPort, healthPort] = [await freePort(), await freePort()];
  const env = { GRPC_ADDRESS: `127.0.0.1:${grpcPort}`, HEALTH_PORT: String(healthPort) };
  const second = sync.another({ name: 'sync-2', healthPort, env, logFile: join(platform.logDir, 'sync-2.log') });
  processes = [
    { service: sync, metricsUrl: platform.metricsUrls.at(-1)! },
    { service: second, metricsUrl: `http://127.0.0.1:${healthPort}/metrics` },
  ];
  receivers = await Promise.all([Receiver.start(), Receiver.start()]);
});
afterAll(async () => {
  await processes[1]?.service.stop();
  await Promise.all(receivers.map((receiver) => receiver.stop()));
  await platform.stop();
  await rm(folder, { recursive: true });
});

// First, since they read the most memory that processes have had, the one with the lower bound before the other.
declareLargeTable(() => platform);
declareLargeChanges(() => platform);
declareChangeOfMasterKey(
  () => platform,
  () => retiredKeys,
);
declareHookLimits(() => platform);

// With one process: the other may take what is late, or what is cut off.
declareCutAttempts(() => platform);
declareStopAmidStep(() => platform);
declareLateWork(() => platform);
declareStoppedEndpoints(() => platform);

test(
  'two processes share deliveries: each comes once and in order, and a restart of one and then the other loses none',
  { timeout: soakTimeoutMs },
  async () => {
    await processes[1]!.service.start();
    // The edge takes a moment to reach customers again.
    await expect.poll(async () => (await fetch(`${platform.edgeUrl}/readyz`)).status).toBe(200);
    const tenant = await WebhookTenant.create(platform);
    for (const { url } of receivers) await tenant.endpoint(url);
    const ids = await Promise.all(Array.from({ length: customerCount }, () => tenant.createCustomer()));
    let updates = 0;
    const updateAll = async () => {
      updates++;
      await Promise.all(ids.map((id) => tenant.updateCustomer(id, { jobTitle: `Analyst ${updates}` })));
    };
    const allCame = () =>
      expect
        .poll(() => receivers.map((receiver) => receiver.ids.length), { timeout: 120_000 })
        .toEqual(receivers.map(() => customerCount * (updates + 1)));

    while (!(await bothHaveDelivered())) await updateAll();
    await allCame();
    for (const { ids: different, taken } of receivers) expect(taken.length).toBe(different.length);

    for (let restart = 0; restart < restarts; restart++) {
      for (const { service } of processes) {
        // Deliveries are under way when it is asked to end, and when it starts. While it is away the other makes them.
        await Promise.all([updateAll(), service.stop()]);
        await updateAll();
        await allCame();
        await Promise.all([updateAll(), service.start()]);
      }
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
    const requests = receivers.reduce((sum, receiver) => sum + receiver.requests.length, 0);
    printTally('two-processes', { restarts: 2 * restarts, events: customerCount * (updates + 1), requests });
  },
);

declareLossOfDatabase(
  () => platform,
  () => processes.map(({ service }) => service),
);

async function bothHaveDelivered(): Promise<boolean> {
  const metrics = await Promise.all(processes.map(async ({ metricsUrl }) => (await fetch(metricsUrl)).text()));
  return metrics.every((text) => /^rapport_webhook_attempts_total\{next="DELIVERED"\} [1-9]/m.test(text));
}

function firstOfEach({ taken }: Receiver) {
  return [...new Map(taken.toReversed().map((request) => [request.id, request])).values()].toReversed();
}
