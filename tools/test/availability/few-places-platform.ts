import { freePort, sharedInTurn, startPlatform, type Platform } from '@rapport/testing';
import { inspectedAt, traceRequestPaths, type RequestPaths } from '../../request-path.ts';

interface FewPlacesPlatform {
  platform: Platform;
  /** Traced before any load: it leaves connections that end, and with them what customers knows of records. */
  paths: RequestPaths;
}

const plan = { keyUnits: 1e9, tenantUnits: 1e9, places: { interactive: 1_000, bulk: 4, feed: 4 } };

/**
 * A platform of one edge without traces, with as many places as the service is fastest with: what waits in it is not faster for
 * that. Inspectors that nothing is connected to take no time.
 */
export const fewPlacesPlatform = sharedInTurn(
  async (): Promise<FewPlacesPlatform> => {
    const inspectorPorts = [await freePort(), await freePort()] as const;
    const platform = await startPlatform({
      edgeEnv: {
        PLACES: '{"interactive":12,"bulk":4,"feed":4}',
        RATE_PLANS: JSON.stringify({ standard: plan }),
        ...inspectedAt(inspectorPorts[0]),
      },
      customersEnv: inspectedAt(inspectorPorts[1]),
    });
    return { platform, paths: await traceRequestPaths(platform, inspectorPorts) };
  },
  ({ platform }) => platform.stop(),
);
