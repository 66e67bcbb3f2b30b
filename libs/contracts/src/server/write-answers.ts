import { once, type EventEmitter } from 'node:events';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { untilSettled } from '../client/until-settled.js';

/**
 * Writes the answers of a server stream to its call, and requests the next one only when the reader has room. When the
 * reader disconnects, the iterator's `return` is called at once, so that a handler's `finally` runs; a handler that is
 * waiting notices it afterwards. Leaves the call open.
 */
export async function writeAnswers<Answer>(
  call: Pick<ServerWritableStream<unknown, Answer>, 'write' | 'cancelled'> & EventEmitter,
  answers: AsyncIterable<Answer>,
): Promise<void> {
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  call.once('cancelled', resolve);
  if (call.cancelled) resolve();
  const unlessGone = untilSettled(gone);
  const iterator = answers[Symbol.asyncIterator]();
  try {
    for (;;) {
      const answer = await unlessGone(iterator.next());
      if (!answer || answer.done || call.cancelled) return;
      if (!call.write(answer.value)) await unlessGone(once(call, 'drain'));
    }
  } finally {
    await iterator.return?.();
  }
}
