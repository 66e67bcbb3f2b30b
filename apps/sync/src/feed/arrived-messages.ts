/**
 * The messages of a stream in batches: those that arrive while the reader works on one are the next one. Without this,
 * a reader whose work costs the same for one change and for many never catches up with a stream of single changes.
 *
 * When the loop over the batches is left, the caller ends the stream.
 *
 * @param most weight of a batch, by `weigh`. A single message may exceed it
 * @throws what the stream throws, after the messages that came before
 */
export async function* arrivedMessages<Message>(
  messages: AsyncIterable<Message>,
  weigh: (message: Message) => number,
  most: number,
): AsyncGenerator<[Message, ...Message[]], void> {
  const waiting: Message[] = [];
  let ended: { error?: unknown } | undefined;
  let wake = (): void => undefined;
  const read = async () => {
    for await (const message of messages) {
      waiting.push(message);
      wake();
    }
  };
  void read()
    .then(
      () => (ended = {}),
      (error: unknown) => (ended = { error }),
    )
    .then(() => wake());
  for (;;) {
    const first = waiting.shift();
    if (first !== undefined) {
      const batch: [Message, ...Message[]] = [first];
      let weight = weigh(first);
      for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
        weight += weigh(next);
        if (weight > most) break;
        batch.push(next);
        waiting.shift();
      }
      yield batch;
    } else if (ended) {
      if ('error' in ended) throw ended.error;
      return;
    } else await new Promise<void>((resolve) => (wake = resolve));
  }
}
