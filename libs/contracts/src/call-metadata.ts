import { Metadata } from '@grpc/grpc-js';
import type { CallCause, CallContext } from '@rapport/platform';

const keys = {
  requestId: 'x-request-id',
  tenantId: 'x-rapport-tenant-id',
  principalId: 'x-rapport-principal-id',
  permissions: 'x-rapport-permissions',
  hidesPii: 'x-rapport-hides-pii',
  origin: 'x-rapport-origin',
  causationId: 'x-rapport-causation-id',
  hop: 'x-rapport-hop',
} as const;

const maxOriginLength = 100;

/** How the context of a call travels between services. */
export function writeCallMetadata({ requestId, caller, cause }: CallContext): Metadata {
  const metadata = new Metadata();
  metadata.set(keys.requestId, requestId);
  if (cause?.origin) metadata.set(keys.origin, cause.origin);
  if (cause?.causationId) metadata.set(keys.causationId, cause.causationId);
  if (cause?.hop) metadata.set(keys.hop, String(cause.hop));
  if (!caller) return metadata;
  metadata.set(keys.tenantId, caller.tenantId);
  metadata.set(keys.principalId, caller.principalId);
  metadata.set(keys.permissions, caller.permissions.join(' '));
  if (caller.hidesPii) metadata.set(keys.hidesPii, 'true');
  return metadata;
}

/** What `CallCause` does not allow is left out. */
export function readCallMetadata(metadata: Metadata): CallContext {
  const read = (key: string) => metadata.get(key)[0]?.toString() ?? '';
  const tenantId = read(keys.tenantId);
  const permissions = read(keys.permissions).split(' ').filter(Boolean);
  const hidesPii = read(keys.hidesPii) === 'true' ? { hidesPii: true } : {};
  return {
    requestId: read(keys.requestId),
    caller: tenantId ? { tenantId, principalId: read(keys.principalId), permissions, ...hidesPii } : undefined,
    ...readCause(read(keys.origin), read(keys.causationId), Number.parseInt(read(keys.hop), 10)),
  };
}

function readCause(anyOrigin: string, causationId: string, hop: number): { cause?: CallCause } {
  const origin = anyOrigin.length > maxOriginLength ? '' : anyOrigin;
  if (!origin && !causationId && !(hop > 0)) return {};
  return { cause: { ...(origin && { origin }), ...(causationId && { causationId }), ...(hop > 0 && { hop }) } };
}
