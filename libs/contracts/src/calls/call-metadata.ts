import { Metadata } from '@grpc/grpc-js';
import { callFields, receivedCall, type CallFields, type OutgoingCall, type ReceivedCall } from './frames.js';

const principalKey = 'x-rapport-principal';
const keys: Readonly<Record<keyof CallFields, string>> = {
  requestId: 'x-request-id',
  origin: 'x-rapport-origin',
  causationId: 'x-rapport-causation-id',
  hop: 'x-rapport-hop',
  clientAddress: 'x-rapport-client-address',
  userAgent: 'x-rapport-user-agent',
};

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
