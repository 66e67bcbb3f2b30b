import { RapportError } from './problem.js';
import { jitterMs, pause, type Answer } from './transport.js';

/**
 * The messages of a stream of lines of JSON. It fails when the connection breaks: a stream that the server has completed ends.
 *
 * @param idleMs longest time without a message, after which the connection counts as broken
 */
export async function* messagesOf<Message>({ response, end }: Answer, idleMs?: number): AsyncGenerator<Message, void> {
  const decoder = new TextDecoder();
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await withinMs(reader.read(), idleMs, end);
      if (done) break;
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') yield JSON.parse(line) as Message;
    }
    if (rest !== '')
      throw new RapportError({ code: 'CONNECTION_FAILED', detail: 'The stream ended within a message.' });
  } catch (error) {
    throw RapportError.from(error);
  } finally {
    end();
  }
}

/** A stream that is opened again when it breaks. What `open` opens must go on where the last one broke. */
export async function* reopening<Message>(
  open: () => AsyncIterable<Message>,
  { signal, isEndless = false }: { signal?: AbortSignal | undefined; isEndless?: boolean },
): AsyncGenerator<Message, void> {
  for (let failures = 0; ; failures++) {
    let isFirst = true;
    try {
      for await (const message of open()) {
        // Every stream begins with the current state: it has not come further than the one before.
        if (!isFirst) failures = 0;
        isFirst = false;
        yield message;
      }
      if (!isEndless) return;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof RapportError && error.retryable)) throw error;
    }
    await pause(jitterMs(failures), signal);
  }
}

/** The states of a stream that begins with the current one, without those that its reopening repeats. */
export async function* changedStates<State>(states: AsyncIterable<State>): AsyncGenerator<State, void> {
  let last: string | undefined;
  for await (const state of states) {
    const text = JSON.stringify(state);
    if (text !== last) yield state;
    last = text;
  }
}

async function withinMs<Result>(result: Promise<Result>, ms: number | undefined, end: Answer['end']): Promise<Result> {
  if (ms === undefined) return result;
  const timer = setTimeout(() => end(new RapportError({ code: 'TIMEOUT', detail: 'The stream fell silent.' })), ms);
  return result.finally(() => clearTimeout(timer));
}
