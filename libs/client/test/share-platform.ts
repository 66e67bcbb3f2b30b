import { sharePlatform } from '@rapport/testing';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    platformUrl: string;
  }
}

/** One platform with two edges for all test files that only need a tenant. */
export default async function share(project: TestProject): Promise<() => Promise<void>> {
  const plans = { standard: { keyUnits: 1e9, tenantUnits: 1e9 }, tiny: { keyUnits: 100, tenantUnits: 100 } };
  const shared = await sharePlatform({ edges: 2, edgeEnv: { RATE_PLANS: JSON.stringify(plans), EDGE_COUNT: '2' } });
  project.provide('platformUrl', shared.url);
  return () => shared.stop();
}
