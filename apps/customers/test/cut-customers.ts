import { AppError } from '@rapport/platform';
import { afterAll } from 'vitest';
import { CuttingProxy } from './cutting-proxy.js';
import { newDatabase } from './databases.js';
import { RunningCustomers } from './running-customers.js';

/** A service of its own for the tests of a file, which cut its connections as the death of a process does. */
export async function cutCustomers(): Promise<{ service: RunningCustomers; proxy: CuttingProxy }> {
  const databases = await newDatabase();
  const { proxy, url } = await CuttingProxy.to(databases.appUrl);
  const service = await RunningCustomers.start({ databases: { ...databases, appUrl: url } });
  afterAll(async () => {
    await service.stop();
    await proxy.close();
  });
  return { service, proxy };
}

/** Calls until the outcome is known, as clients of the API do. */
export async function untilKnown<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const isUnknown = error instanceof AppError && ['UNAVAILABLE', 'INTERNAL', 'ABORTED'].includes(error.code);
      if (!isUnknown) throw error;
    }
  }
}
