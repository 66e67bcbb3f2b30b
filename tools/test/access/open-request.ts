import { request, type IncomingMessage } from 'node:http';
import { fileTypeOf, type OperationRequest } from './requests.ts';
import { pathOf } from './rest-caller.ts';

/**
 * An open request: an upload without an end, or an unread answer. It ends with its answer or its connection.
 */
export class OpenRequest {
  status: number | undefined;
  hasEnded = false;
  /** Whether the answer is complete. */
  isWhole = false;
  /** The received text; of a file only its beginning. */
  text = '';
  readonly #sent: ReturnType<typeof request>;
  #answer: IncomingMessage | undefined;
  #isRead = false;

  readonly operation: OperationRequest;
  /** The same request once more. */
  readonly again: () => OpenRequest;

  constructor(url: string, operation: OperationRequest, authorization: string) {
    this.operation = operation;
    this.again = () => {
      const request = new OpenRequest(url, operation, authorization);
      return this.#isRead ? request.read() : request;
    };
    const { route, file } = operation;
    const headers = {
      authorization,
      ...(file !== undefined && { 'content-type': fileTypeOf(route) }),
      ...(route.answerUsage === 'messages' && { accept: 'text/event-stream' }),
    };
    this.#sent = request(url + pathOf(operation), { method: route.verb, agent: false, headers }, (answer) => {
      this.status = answer.statusCode;
      this.#answer = answer;
      answer.once('close', () => this.#end(answer.complete));
      answer.once('error', () => this.#end(false));
      if (this.#isRead) this.read();
    });
    this.#sent.once('error', () => this.#end(false));
    if (file === undefined) this.#sent.end();
    else this.#sendOn(file);
  }

  get name(): string {
    return this.operation.route.method.name;
  }

  /** Starts reading. */
  read(): this {
    this.#isRead = true;
    this.#answer?.on('data', (data: Buffer) => {
      if (this.operation.route.answerUsage !== 'file' || this.text.length < 10_000)
        this.text += data.toString('latin1');
    });
    return this;
  }

  /** The code of the problem at its end, if there was one. */
  get code(): string | undefined {
    const [, problem] = /^(?:[^]*\n\n)?(?:event: error\ndata: )?(\{.*\})\s*$/.exec(this.text) ?? [];
    const { code } = JSON.parse(problem ?? '{}') as { code?: string };
    return code;
  }

  close(): void {
    this.#sent.destroy();
  }

  /** Sends the beginning of a file, and then a space each second, because the edge ends stalled uploads. */
  #sendOn(file: string): void {
    this.#sent.write(file);
    const sending = setInterval(() => this.#sent.write(' '), 1_000);
    this.#sent.once('close', () => clearInterval(sending));
  }

  #end(isWhole: boolean): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.isWhole = isWhole;
    // Nothing more is sent after the answer.
    this.#sent.destroy();
  }
}
