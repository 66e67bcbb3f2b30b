/** The messages of one side of a call, as they arrive. */
export class Requests<Message> implements AsyncIterable<Message> {
  readonly #waiting: Message[];
  #wake = (): void => undefined;

  constructor(first: Message) {
    this.#waiting = [first];
  }

  say(message: Message): void {
    this.#waiting.push(message);
    this.#wake();
  }

  /** Endless: the reader of the answers ends the call. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void> {
    for (;;) {
      const message = this.#waiting.shift();
      if (message === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
      else yield message;
    }
  }
}
