import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedInTurn, startPlatform, type Platform } from '@rapport/testing';
import { ObservedProcesses } from './observed-processes.ts';
import { OtlpReceiver } from './otlp-receiver.ts';
import { ReceivedTraces } from './received-traces.ts';

interface DurablePlatform {
  platform: Platform;
  /** Its folder of data, keys and logs. */
  dataDir: string;
  /** Its processes, migrations included, from the start to the first answer for a tenant. */
  processes: ObservedProcesses;
  traces: ReceivedTraces;
}

/**
 * A platform of two edges with traces and a durable database, because a temporary one loses acknowledged writes when its server is
 * killed. It is shared by files that kill its processes, destroy its database, and search all that it writes for their own values:
 * they run one after the other in a worker, and each leaves all processes running. Its databases are migrated and not copied, so that the migrations are observed.
 */
export const durablePlatform = sharedInTurn(
  async (): Promise<DurablePlatform & { end: () => Promise<void> }> => {
    const dataDir = await mkdtemp(join(tmpdir(), 'rapport-durable-'));
    const tracesFolder = await mkdtemp(join(tmpdir(), 'rapport-durable-traces-'));
    const tracesFile = join(tracesFolder, 'traces.ndjson');
    const collector = await OtlpReceiver.start(tracesFile);
    const processes = new ObservedProcesses();
    const platform = await processes.during(async () => {
      // Retries may exceed the rate of a plan.
      const plans = JSON.stringify({ standard: { keyUnits: 1e9, tenantUnits: 1e9 } });
      const started = await startPlatform({
        ...{ dataDir, edges: 2, tracesEndpoint: collector.endpoint },
        edgeEnv: { EDGE_COUNT: '2', RATE_PLANS: plans },
      });
      const { apiKey } = await started.createTenant('Discreet');
      const answer = await fetch(`${started.edgeUrl}/v1/customers`, { headers: { authorization: `Bearer ${apiKey}` } });
      if (!answer.ok) throw new Error(`The platform answered ${answer.status}: ${await answer.text()}`);
      return started;
    });
    const end = async () => {
      await platform.stop();
      collector.stop();
      for (const folder of [dataDir, tracesFolder]) await rm(folder, { recursive: true });
    };
    return { platform, dataDir, processes, traces: new ReceivedTraces(tracesFile), end };
  },
  ({ end }) => end(),
);
