import type { CallCause, CallContext } from '@rapport/platform';
import type { StreamedCall } from '../gen/rapport/api/v1/calls_service.js';

/** Most calls in flight on a stream. */
export const maxRunningCalls = 4_000;
/** Most principal tokens that a stream may hold. */
export const maxTokens = 10_000;
/** Largest encoded request that a stream carries, in bytes: a larger one would delay the calls behind it. */
export const maxRequestBytes = 256 * 1024;
/** Largest encoded answer of any call, in bytes: the clients' limit of one message, less its envelope. */
export const maxAnswerBytes = 63 * 1024 * 1024;
/** Largest frame of more than one part, in bytes. */
const maxFrameBytes = 1024 * 1024;

/** Divides the parts of one turn of the event loop into frames. A part that is larger than a frame gets its own. */
export function* frames<Part>(parts: readonly Part[], bytesOf: (part: Part) => number): Generator<readonly Part[]> {
  let from = 0;
  let bytes = 0;
  for (const [index, part] of parts.entries()) {
    const partBytes = bytesOf(part);
    if (index > from && bytes + partBytes > maxFrameBytes) {
      yield parts.slice(from, index);
      [from, bytes] = [index, 0];
    }
    bytes += partBytes;
  }
  if (from < parts.length) yield parts.slice(from);
}

const maxOriginLength = 100;

/**
 * The context of a call between services, in a frame or in metadata, without its principal: the token of that has a number in
 * frames. Empty texts and 0 stand for absent values.
 */
export type CallFields = Pick<
  StreamedCall,
  'requestId' | 'origin' | 'causationId' | 'hop' | 'clientAddress' | 'userAgent'
>;

/** The context of a call that a client sends with it. */
export interface OutgoingCall extends Pick<CallContext, 'requestId' | 'cause' | 'client'> {
  /** Issued by auth; absent for a call of the process itself. */
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

function readCause(fields: CallFields): { cause?: CallCause } {
  const { causationId, hop } = fields;
  const origin = fields.origin.length > maxOriginLength ? '' : fields.origin;
  if (!origin && !causationId && !(hop > 0)) return {};
  return { cause: { ...(origin && { origin }), ...(causationId && { causationId }), ...(hop > 0 && { hop }) } };
}
