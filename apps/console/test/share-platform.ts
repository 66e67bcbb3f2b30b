import { makePlatformTemplate, sharePlatform } from '@rapport/testing';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    platformUrl: string;
  }
}

/** Checks of DNS records ask no server outside. */
const nobody = '127.0.0.1:9';

/** One platform for all browser tests, which starts when the first one asks for it. */
export default async function share(project: TestProject): Promise<() => Promise<void>> {
  const removeTemplate = await makePlatformTemplate();
  const { url, stop } = await sharePlatform({
    edges: 2,
    syncEnv: { RETRY_SCHEDULE_SECONDS: '1,1,1', DNS_SERVERS: nobody },
  });
  project.provide('platformUrl', url);
  return async () => {
    await stop();
    await removeTemplate();
  };
}
