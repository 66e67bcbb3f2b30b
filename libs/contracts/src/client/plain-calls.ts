import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { ClientUnaryCall, ServiceError } from '@grpc/grpc-js';
import { fromGrpcError } from '../errors/grpc-status.js';
import { untilSettled } from './until-settled.js';

/**
 * Writes requests no faster than the service reads them, until the call has ended. Closes neither the call nor the
 * iterator.
 */
export async function writeAll(
  call: Writable,
  requests: AsyncIterator<unknown>,
  ended: Promise<unknown>,
): Promise<void> {
  const unlessEnded = untilSettled(ended);
  for (;;) {
    const request = await unlessEnded(requests.next());
    if (!request || request.done) return;
    if (!call.write(request.value)) await unlessEnded(once(call, 'drain'));
  }
}

/** A callback of grpc-js for the outcome of a call. */
export function settle(resolve: (value: unknown) => void, reject: (error: Error) => void) {
  return (error: ServiceError | null, response?: unknown) => {
    if (!error) return resolve(response);
    // Unreadable details reject the call instead of throwing into the transport.
    void Promise.resolve(error).then(fromGrpcError).then(reject, reject);
  };
}

/** Cancels a call when its signal aborts. */
export function cancelOnAbort(
  call: Pick<ClientUnaryCall, 'cancel'> & NodeJS.EventEmitter,
  signal: AbortSignal | undefined,
): void {
  if (!signal) return;
  const cancel = () => call.cancel();
  if (signal.aborted) cancel();
  signal.addEventListener('abort', cancel, { once: true });
  call.once('status', () => signal.removeEventListener('abort', cancel));
}
