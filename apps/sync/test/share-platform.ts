import { sharePlatform } from '@rapport/testing';
import type { TestProject } from 'vitest/node';
import { syncPlatformOptions } from './sync-platform.ts';

declare module 'vitest' {
  interface ProvidedContext {
    platformUrl: string;
  }
}

/** One platform for all test files that only need a tenant. */
export default async function share(project: TestProject): Promise<() => Promise<void>> {
  const shared = await sharePlatform(
    syncPlatformOptions({}, { edgeEnv: { FAILED_AUTHENTICATIONS_PER_MINUTE: '100000' } }),
  );
  project.provide('platformUrl', shared.url);
  return shared.stop;
}
