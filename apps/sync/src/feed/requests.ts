/** What one side of a call says, as it comes to say it. */
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

  /** Without an end: the call is ended by whoever reads the answers. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void> {
    for (;;) {
      const message = this.#waiting.shift();
      if (message === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
      else yield message;
    }
  }
}
