import { sharePlatform } from '@rapport/testing';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    platformUrl: string;
  }
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

/** A platform for all test files that only need a tenant. */
export default async function share(project: TestProject): Promise<() => Promise<void>> {
  const shared = await sharePlatform(options);
  project.provide('platformUrl', shared.url);
  return () => shared.stop();
}
