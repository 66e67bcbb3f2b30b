import { makePlatformTemplate, sharePlatform } from '@rapport/testing';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    platformUrl: string;
  }
}

/** One platform for all browser tests, which starts when the first one asks for it. */
export default async function share(project: TestProject): Promise<() => Promise<void>> {
  const removeTemplate = await makePlatformTemplate();
  const { url, stop } = await sharePlatform({ edges: 2, syncEnv: { RETRY_SCHEDULE_SECONDS: '1,1,1' } });
  project.provide('platformUrl', url);
  return async () => {
    await stop();
    await removeTemplate();
  };
}
