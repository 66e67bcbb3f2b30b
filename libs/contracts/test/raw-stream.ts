import { Client, credentials, type ClientDuplexStream, type StatusObject } from '@grpc/grpc-js';
import { expect } from 'vitest';
import {
  AnswerForm,
  CallsServiceService,
  type AnswerFrame,
  type CallFrame,
  type StreamedAnswer,
  type StreamedCall,
} from '../src/gen/rapport/api/v1/calls_service.js';
import { methods } from './scripted-service.js';

const { calls } = CallsServiceService;

/** A call stream whose frames the test writes. */
export class RawStream {
  readonly frames: AnswerFrame[] = [];
  readonly ended: Promise<StatusObject>;
  readonly #client: Client;
  readonly #stream: ClientDuplexStream<CallFrame, AnswerFrame>;

  /** @param encode replaces the encoding of frames */
  constructor(address: string, encode: (frame: CallFrame) => Buffer = calls.requestSerialize) {
    this.#client = new Client(address, credentials.createInsecure());
    this.#stream = this.#client.makeBidiStreamRequest(calls.path, encode, calls.responseDeserialize);
    this.#stream.on('data', (frame: AnswerFrame) => this.frames.push(frame));
    this.#stream.on('error', () => undefined);
    this.ended = new Promise((resolve) => this.#stream.once('status', resolve));
  }

  send(frame: Partial<CallFrame>): this {
    this.#stream.write({ tokens: [], calls: [], cancelledCalls: [], forgottenTokens: [], ...frame });
    return this;
  }

  /** Reads no more answers. */
  pause(): this {
    this.#stream.pause();
    return this;
  }

  resume(): void {
    this.#stream.resume();
  }

  get answers(): StreamedAnswer[] {
    return this.frames.flatMap(({ answers }) => answers);
  }

  async untilAnswered(count: number): Promise<StreamedAnswer[]> {
    await expect.poll(() => this.answers.length).toBe(count);
    return this.answers;
  }

  /** Ends the client's side: no calls follow. */
  async end(): Promise<StatusObject> {
    this.#stream.end();
    const end = await this.ended;
    this.#client.close();
    return end;
  }
}

/** A call of the principal whose token has number 1. */
export function callOf(number: number, more: Partial<StreamedCall> = {}): StreamedCall {
  return {
    ...{ number, method: methods.getTenant.path, timeoutMs: 30_000, requestId: String(number), token: 1 },
    ...{ traceparent: '', origin: '', causationId: '', hop: 0, clientAddress: '', userAgent: '' },
    answerForm: AnswerForm.UNSPECIFIED,
    request: Buffer.alloc(0),
    ...more,
  };
}
