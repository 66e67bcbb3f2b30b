import { ContractClient, PrincipalSigner } from '@rapport/contracts';
import { createClient } from '@redis/client';
import type { RunningOres } from './running-ores.js';
import type { VersionedCache } from './stale-reads.js';

/**
 * The usual cache-aside: read from Redis, else call the service and store the answer; a write deletes it. A fill that was
 * read before a write and stored after its delete stays.
 */
export async function plainCacheAside(
  redisUrl: string,
  { address, ores }: RunningOres,
  tenantId: string,
): Promise<VersionedCache & { close: () => void }> {
  const redis = createClient({ url: redisUrl });
  redis.on('error', (error: Error) => {
    throw error;
  });
  await redis.connect();
  const client = new ContractClient(address, [ores]);
  const principals = await PrincipalSigner.of();
  const principalToken = principals.sign({ tenantId, principalId: 'test', permissions: [] });
  const call = async (method: string, request: Record<string, unknown>) => {
    const path = `/rapport.sample.v1.OresService/${method}`;
    const options = { context: { requestId: 'test', principalToken }, deadlineMs: 10_000 };
    return ((await client.unary(path, request, options)) as { version: number }).version;
  };
  const nameOf = (key: number) => `plain:${tenantId}:${key}`;
  return {
    read: async (_reader, key) => {
      const kept = await redis.get(nameOf(key));
      if (kept !== null) return Number(kept);
      const version = await call('GetOre', { id: `k${key}` });
      await redis.set(nameOf(key), String(version), { EX: 50 });
      return version;
    },
    write: async (_writer, key) => {
      const version = await call('UpdateOre', {
        id: `k${key}`,
        ore: { id: '', name: 'x', version: 0, etag: '' },
        updateMask: [],
      });
      await redis.del(nameOf(key));
      return version;
    },
    close: () => {
      redis.destroy();
      client.close();
    },
  };
}
