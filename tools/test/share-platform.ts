import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharePlatform } from '@rapport/testing';
import type { TestProject } from 'vitest/node';
import { OtlpReceiver } from './otlp-receiver.ts';

declare module 'vitest' {
  interface ProvidedContext {
    platformUrl: string;
    observed: ObservedPlatform;
  }
}

/** A platform whose files and traces tests search, each for its own values. */
export interface ObservedPlatform {
  /** The argument of `sharedPlatform`. */
  url: string;
  /** File with all of its traces, for `ReceivedTraces`. */
  tracesFile: string;
}

const places = { interactive: 1_200, bulk: 200, feed: 200 };
const unlimited = { keyUnits: 1e9, tenantUnits: 1e9 };
/** Two edges, with limits that no test reaches by chance on a slow machine. */
const options = {
  edges: 2,
  edgeEnv: {
    // The second plan is for tests that use all places of a tenant. It has as many bulk places as in production.
    RATE_PLANS: JSON.stringify({
      standard: { ...unlimited, places },
      placed: { ...unlimited, places: { interactive: 1_200, bulk: 16, feed: 200 } },
    }),
    PLACES: JSON.stringify({ ...places, bulk: 400, feed: 400 }),
    SLOW_CALL_MS: '60000',
    FAILED_AUTHENTICATIONS_PER_MINUTE: '100000',
    ANONYMOUS_UNITS_PER_MINUTE: '1000000000',
    EDGE_COUNT: '2',
  },
  // Shortens the minutes that work for a closed tenant may take.
  authEnv: { CLOSING_SETTLE_SECONDS: '3' },
};

/** Two platforms for all test files that only need a tenant: one of them is traced, which makes it slower. */
export default async function share(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'rapport-observed-'));
  const tracesFile = join(folder, 'traces.ndjson');
  const collector = await OtlpReceiver.start(tracesFile);
  const shared = await sharePlatform(options);
  const observed = await sharePlatform({ ...options, tracesEndpoint: collector.endpoint });
  project.provide('platformUrl', shared.url);
  project.provide('observed', { url: observed.url, tracesFile });
  return async () => {
    await Promise.all([shared.stop(), observed.stop()]);
    collector.stop();
    await rm(folder, { recursive: true, force: true });
  };
}
