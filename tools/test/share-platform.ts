import { sharePlatform } from '@rapport/testing';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    platformUrl: string;
  }
}

/** One platform for all test files that only need a tenant. Two edges, whose limits no test meets by chance. */
export default async function share(project: TestProject): Promise<() => Promise<void>> {
  const RATE_PLANS = JSON.stringify({ standard: { keyUnits: 1e9, tenantUnits: 1e9 } });
  const edgeEnv = { RATE_PLANS, FAILED_AUTHENTICATIONS_PER_MINUTE: '100000', EDGE_COUNT: '2' };
  const shared = await sharePlatform({ edges: 2, edgeEnv });
  project.provide('platformUrl', shared.url);
  return shared.stop;
}
