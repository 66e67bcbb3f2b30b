import { Metadata } from '@grpc/grpc-js';
import type { CallCause, CallContext } from '@rapport/platform';

const keys = {
  requestId: 'x-request-id',
  principalToken: 'x-rapport-principal',
  origin: 'x-rapport-origin',
  causationId: 'x-rapport-causation-id',
  hop: 'x-rapport-hop',
  clientAddress: 'x-rapport-client-address',
  userAgent: 'x-rapport-user-agent',
} as const;

const maxOriginLength = 100;

/** What a caller tells a service of a call. */
export interface OutgoingCall extends Pick<CallContext, 'requestId' | 'cause' | 'client'> {
  /** Made by auth; absent for a call that the process makes for itself. */
  principalToken?: string | undefined;
}

/** What a service has received of a call's context. Nothing of it is proven; a call without a token has the empty one. */
export type ReceivedCall = OutgoingCall & { principalToken: string };

/** How the context of a call travels between services. */
export function writeCallMetadata({ requestId, principalToken, cause, client }: OutgoingCall): Metadata {
  const metadata = new Metadata();
  metadata.set(keys.requestId, requestId);
  if (principalToken) metadata.set(keys.principalToken, principalToken);
  if (cause?.origin) metadata.set(keys.origin, cause.origin);
  if (cause?.causationId) metadata.set(keys.causationId, cause.causationId);
  if (cause?.hop) metadata.set(keys.hop, String(cause.hop));
  if (client) metadata.set(keys.clientAddress, client.address);
  if (client?.userAgent) metadata.set(keys.userAgent, client.userAgent);
  return metadata;
}

export function readCallMetadata(metadata: Metadata): ReceivedCall {
  const read = (key: string) => metadata.get(key)[0]?.toString() ?? '';
  return receivedCall({
    requestId: read(keys.requestId),
    principalToken: read(keys.principalToken),
    origin: read(keys.origin),
    causationId: read(keys.causationId),
    hop: Number.parseInt(read(keys.hop), 10),
    clientAddress: read(keys.clientAddress),
    userAgent: read(keys.userAgent),
  });
}

/** What `CallCause` does not allow is left out. Empty texts stand for what is not said. */
export function receivedCall(said: {
  requestId: string;
  principalToken: string;
  origin: string;
  causationId: string;
  hop: number;
  clientAddress: string;
  userAgent: string;
}): ReceivedCall {
  const { requestId, principalToken, clientAddress: address, userAgent } = said;
  return { requestId, principalToken, ...(address && { client: { address, userAgent } }), ...readCause(said) };
}

function readCause(said: { origin: string; causationId: string; hop: number }): { cause?: CallCause } {
  const { causationId, hop } = said;
  const origin = said.origin.length > maxOriginLength ? '' : said.origin;
  if (!origin && !causationId && !(hop > 0)) return {};
  return { cause: { ...(origin && { origin }), ...(causationId && { causationId }), ...(hop > 0 && { hop }) } };
}
