import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { queryDatabase, sharedInTurn, startPlatform, type Platform } from '@rapport/testing';
import { vi } from 'vitest';
import { ApiClient } from '../api-client.ts';
import { OtlpReceiver } from '../otlp-receiver.ts';
import { ReceivedTraces } from '../received-traces.ts';

interface KilledPlatform {
  platform: Platform;
  traces: ReceivedTraces;
}

const started = sharedInTurn(
  async (): Promise<KilledPlatform & { end: () => Promise<void> }> => {
    const folder = await mkdtemp(join(tmpdir(), 'rapport-killed-'));
    const file = join(folder, 'traces.ndjson');
    const collector = await OtlpReceiver.start(file);
    const platform = await startPlatform({
      tracesEndpoint: collector.endpoint,
      authEnv: { CLOSING_SETTLE_SECONDS: '3' },
      // Retries may exceed the rate of a plan.
      edgeEnv: { RATE_PLANS: JSON.stringify({ standard: { keyUnits: 1e9, tenantUnits: 1e9 } }) },
    });
    const end = async () => {
      await platform.stop();
      collector.stop();
      await rm(folder, { recursive: true });
    };
    return { platform, traces: new ReceivedTraces(file), end };
  },
  ({ end }) => end(),
);

/**
 * One platform with traces, for the files that kill its processes, and for those that search its traces and logs, each for its own
 * values: they run one after the other in a worker, and each leaves all processes running. The edge has reconnected to what the file
 * before has killed.
 */
export async function killedPlatform(): Promise<KilledPlatform> {
  const { platform, traces } = await started();
  const api = await ApiClient.connect(platform.edgeUrl, (await platform.createTenant('Reconnected')).apiKey);
  for (const path of ['/v1/tenant', '/v1/changes', '/v1/webhookEndpoints']) {
    const isReached = async () => (await api.send('GET', path)).status === 200;
    await vi.waitUntil(isReached, { timeout: 120_000, interval: 100 });
  }
  return { platform, traces };
}

/** Kills customers while it works on operations, and restarts it as if its leases of them had expired. */
export async function killAtWork({ services, customersDatabase }: Platform): Promise<void> {
  await services.customers.kill();
  await queryDatabase(customersDatabase.superuserUrl, 'update operation_job set lease_time = clock_timestamp()');
  await services.customers.start();
}
