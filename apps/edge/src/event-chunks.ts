/** How long events may be silent before a comment says that the connection is alive, in milliseconds. */
const keepAliveMs = 15_000;

/**
 * Messages as server-sent events (the HTML standard, section 9.2), and a comment now and then while there is none. An
 * error before the first of either is thrown; a later one is an event `error`, the last.
 *
 * @param write makes one line of JSON of a message
 * @param problem makes one line of JSON of an error
 */
export async function* eventChunks<Message>(
  messages: AsyncGenerator<Message, void>,
  write: (message: Message) => string,
  problem: (error: unknown) => string,
): AsyncGenerator<string, void> {
  let hasBegun = false;
  try {
    let next = messages.next();
    for (;;) {
      const message = await withinKeepAlive(next);
      if (message?.done) return;
      yield message ? `data: ${write(message.value)}\n\n` : ': keep-alive\n\n';
      hasBegun = true;
      if (message) next = messages.next();
    }
  } catch (error) {
    if (!hasBegun) throw error;
    yield `event: error\ndata: ${problem(error)}\n\n`;
  } finally {
    await messages.return();
  }
}

/** Undefined when nothing has come after a while. */
async function withinKeepAlive<Value>(value: Promise<Value>): Promise<Value | undefined> {
  const { promise: silence, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), keepAliveMs);
  try {
    return await Promise.race([value, silence]);
  } finally {
    clearTimeout(timer);
  }
}
