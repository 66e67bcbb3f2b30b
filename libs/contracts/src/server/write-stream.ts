import { once, type EventEmitter } from 'node:events';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { Observable } from 'rxjs';
import { untilSettled } from '../until-settled.js';

/**
 * Writes the answers of a server stream to its call, and asks for the next one only when the reader has room: Nest's own
 * way, to emit them, keeps whatever a slow reader has not taken. When the reader has gone, the iterator's `return` is
 * called at once, so that a handler's `finally` runs; a handler that waits for something of its own sees it after that.
 *
 * @returns what Nest waits for: emits nothing, and ends or fails as the answers do. Subscribe in the context that the
 *   handler is to run in.
 */
export function writeStream<Answer>(
  call: ServerWritableStream<unknown, Answer>,
  answers: AsyncIterable<Answer>,
): Observable<never> {
  return new Observable((subscriber) => {
    writeAnswers(call, answers).then(
      () => subscriber.complete(),
      (error: unknown) => subscriber.error(error),
    );
  });
}

/** Writes answers to a call as `writeStream` does, and leaves the call open. */
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
