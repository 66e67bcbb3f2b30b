import { Metadata } from '@grpc/grpc-js';
import type { CallCause, CallContext } from '@rapport/platform';
import type { StreamedCall } from './gen/rapport/api/v1/calls_service.js';

/**
 * The context of a call between services, in metadata or in a frame, without its principal: the token of that has a number in
 * frames. Empty texts and 0 stand for absent values.
 */
export type CallFields = Pick<
  StreamedCall,
  'requestId' | 'origin' | 'causationId' | 'hop' | 'clientAddress' | 'userAgent'
>;

const principalKey = 'x-rapport-principal';
const keys: Readonly<Record<keyof CallFields, string>> = {
  requestId: 'x-request-id',
  origin: 'x-rapport-origin',
  causationId: 'x-rapport-causation-id',
  hop: 'x-rapport-hop',
  clientAddress: 'x-rapport-client-address',
  userAgent: 'x-rapport-user-agent',
};

const maxOriginLength = 100;

/** The context of a call that a client sends with it. */
export interface OutgoingCall extends Pick<CallContext, 'requestId' | 'cause' | 'client'> {
  /** Made by auth; absent for a call on the process's own account. */
  principalToken?: string | undefined;
}

/** The context of a call that a service has received. None of it is verified. The token is empty for a call without one. */
export type ReceivedCall = OutgoingCall & { principalToken: string };

export function callFields({ requestId, cause, client }: OutgoingCall): CallFields {
  return {
    requestId,
    origin: cause?.origin ?? '',
    causationId: cause?.causationId ?? '',
    hop: cause?.hop ?? 0,
    clientAddress: client?.address ?? '',
    userAgent: client?.userAgent ?? '',
  };
}

/** Leaves out what `CallCause` does not allow. */
export function receivedCall(fields: CallFields, principalToken: string): ReceivedCall {
  const { requestId, clientAddress: address, userAgent } = fields;
  return { requestId, principalToken, ...(address && { client: { address, userAgent } }), ...readCause(fields) };
}

export function writeCallMetadata(context: OutgoingCall): Metadata {
  const metadata = new Metadata();
  if (context.principalToken) metadata.set(principalKey, context.principalToken);
  for (const [name, value] of Object.entries(callFields(context))) {
    if (value) metadata.set(keys[name as keyof CallFields], String(value));
  }
  return metadata;
}

export function readCallMetadata(metadata: Metadata): ReceivedCall {
  const read = (key: string) => metadata.get(key)[0]?.toString() ?? '';
  const fields = {
    requestId: read(keys.requestId),
    origin: read(keys.origin),
    causationId: read(keys.causationId),
    hop: Number.parseInt(read(keys.hop), 10),
    clientAddress: read(keys.clientAddress),
    userAgent: read(keys.userAgent),
  };
  return receivedCall(fields, read(principalKey));
}

function readCause(fields: CallFields): { cause?: CallCause } {
  const { causationId, hop } = fields;
  const origin = fields.origin.length > maxOriginLength ? '' : fields.origin;
  if (!origin && !causationId && !(hop > 0)) return {};
  return { cause: { ...(origin && { origin }), ...(causationId && { causationId }), ...(hop > 0 && { hop }) } };
}
