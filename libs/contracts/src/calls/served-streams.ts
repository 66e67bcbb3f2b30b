import type { ServerDuplexStream, UntypedServiceImplementation } from '@grpc/grpc-js';
import { AppError, type Logger } from '@rapport/platform';
import { toGrpcStatus } from '../errors/grpc-status.js';
import { StreamEnd, type AnswerFrame, type CallFrame } from '../gen/rapport/api/v1/calls_service.js';
import { jsonAnswer } from '../rest/json-answers.js';
import type { JsonCodec } from '../rest/json-codec.js';
import type { ServedController } from '../server/grpc-handlers.js';
import type { PeerOf, ServiceEntry } from '../server/service-entry.js';
import { ServedStream, type StreamedMethod } from './served-stream.js';

/** The streams of calls that a process answers. Each takes calls of all methods without streams of all its services. */
export class ServedStreams {
  readonly #methods = new Map<string, StreamedMethod>();
  readonly #open = new Set<ServedStream>();
  readonly #codecs = new Map<string, JsonCodec>();
  #isDraining = false;

  /** @param ageMs how old a stream is when its client is asked to open another one */
  constructor(
    private readonly entry: ServiceEntry,
    private readonly peerOf: PeerOf,
    private readonly ageMs: number,
    private readonly logger: Logger,
  ) {}

  /** Has the methods of a controller called. */
  add({ definition, controller, run }: ServedController): void {
    for (const [name, { path, requestStream, responseStream, ...code }] of Object.entries(definition)) {
      const method = this.entry.contract.method(path);
      if (!method || requestStream || responseStream) continue;
      this.#methods.set(path, {
        method,
        decode: code.requestDeserialize,
        encode: code.responseSerialize,
        json: (form, answer) => jsonAnswer(form, method.desc.output, answer as Record<string, unknown>, this.#codecs),
        handle: (request) => run(() => controller[name]?.(request) as Promise<unknown>),
      });
    }
  }

  /** Answers CallsService. */
  get handlers(): UntypedServiceImplementation {
    return { calls: (call: ServerDuplexStream<CallFrame, AnswerFrame>) => this.#serve(call) };
  }

  /** Asks clients to open streams to other replicas. Calls that follow are refused, those that are running are answered. */
  drain(): void {
    this.#isDraining = true;
    for (const stream of this.#open) stream.announceEnd(StreamEnd.DRAINING);
  }

  #serve(call: ServerDuplexStream<CallFrame, AnswerFrame>): void {
    let peer: string | undefined;
    try {
      peer = this.peerOf(call);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      call.emit('error', toGrpcStatus(error));
      return;
    }
    const stream = new ServedStream(call, peer, this.#methods, this.entry, this.logger);
    this.#open.add(stream);
    const age = setTimeout(() => stream.announceEnd(StreamEnd.AGE), this.ageMs);
    void stream.ended.then(() => {
      clearTimeout(age);
      this.#open.delete(stream);
    });
    if (this.#isDraining) stream.announceEnd(StreamEnd.DRAINING);
  }
}
