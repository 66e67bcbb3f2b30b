import { Metadata } from '@grpc/grpc-js';
import type { CallContext } from '@rapport/platform';

const keys = {
  requestId: 'x-request-id',
  tenantId: 'x-rapport-tenant-id',
  principalId: 'x-rapport-principal-id',
  permissions: 'x-rapport-permissions',
} as const;

/** How the context of a call travels between services. */
export function writeCallMetadata({ requestId, caller }: CallContext): Metadata {
  const metadata = new Metadata();
  metadata.set(keys.requestId, requestId);
  if (!caller) return metadata;
  metadata.set(keys.tenantId, caller.tenantId);
  metadata.set(keys.principalId, caller.principalId);
  metadata.set(keys.permissions, caller.permissions.join(' '));
  return metadata;
}

export function readCallMetadata(metadata: Metadata): CallContext {
  const read = (key: string) => metadata.get(key)[0]?.toString() ?? '';
  const tenantId = read(keys.tenantId);
  const permissions = read(keys.permissions).split(' ').filter(Boolean);
  return {
    requestId: read(keys.requestId),
    caller: tenantId ? { tenantId, principalId: read(keys.principalId), permissions } : undefined,
  };
}
