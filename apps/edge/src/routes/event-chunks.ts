/** How long events may be silent before a comment keeps the connection alive, in milliseconds. */
const keepAliveMs = 15_000;

/**
 * Messages as server-sent events (the HTML standard, section 9.2), with comments during silence. An error before the first
 * event or comment is thrown; a later one becomes the last event, `error`.
 *
 * @param write makes one line of JSON of a message
 * @param problem makes one line of JSON of an error
 * @param idOf the id of a message's event, which a reader sends when it resumes; none when it is undefined
 */
export async function* eventChunks<Message>(
  messages: AsyncGenerator<Message, void>,
  write: (message: Message) => string,
  problem: (error: unknown) => string,
  idOf: (message: Message) => string | undefined = () => undefined,
): AsyncGenerator<string, void> {
  let hasBegun = false;
  try {
    let next = messages.next();
    for (;;) {
      const message = await withinKeepAlive(next);
      if (message?.done) return;
      yield message ? event(write(message.value), idOf(message.value)) : ': keep-alive\n\n';
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

function event(data: string, id: string | undefined): string {
  return id === undefined ? `data: ${data}\n\n` : `id: ${id}\ndata: ${data}\n\n`;
}

/** Undefined when no message arrives for a while. */
async function withinKeepAlive<Value>(value: Promise<Value>): Promise<Value | undefined> {
  const { promise: silence, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), keepAliveMs);
  try {
    return await Promise.race([value, silence]);
  } finally {
    clearTimeout(timer);
  }
}
