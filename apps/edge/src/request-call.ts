import type { RestRoute } from '@rapport/contracts';
import type { FastifyReply } from 'fastify';
import { clientGone } from './call-ends.js';
import { isLasting } from './lasting-calls.js';
import type { OpenCall, OpenCalls } from './open-calls.js';

/** How long a client may take to read why its call was ended, in milliseconds. */
const lastWordMs = 1_000;

/** The call of a service that a request makes. It ends with its client, and a lasting one also when its caller loses rights. */
export class RequestCall {
  readonly #end = new AbortController();
  readonly #open: OpenCall | undefined;
  #lastWord: NodeJS.Timeout | undefined;

  constructor({ raw, request }: FastifyReply, method: RestRoute['method'], openCalls: OpenCalls) {
    const { principal, headers } = request;
    raw.once('close', () => {
      clearTimeout(this.#lastWord);
      this.#open?.leave();
      if (!raw.writableFinished) this.#end.abort(clientGone());
    });
    if (!principal || headers.authorization === undefined || !isLasting(method)) return;
    this.#open = openCalls.enter({
      authorization: headers.authorization,
      principal,
      permission: method.policy.permission,
      end: (reason) => {
        this.#lastWord = setTimeout(() => raw.destroy(), lastWordMs);
        this.#end.abort(reason);
      },
    });
  }

  /** Its reason is an AppError. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** Passes on no message before it is known that the caller may still have it. */
  async *whileConfirmed<Message>(messages: AsyncIterable<Message>): AsyncGenerator<Message, void> {
    for await (const message of messages) {
      await this.confirmed();
      yield message;
    }
  }

  /** @throws AppError when the caller has lost rights meanwhile */
  async confirmed(): Promise<void> {
    await this.#open?.confirmed();
  }
}
