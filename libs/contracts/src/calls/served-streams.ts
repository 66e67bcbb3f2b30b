import type { ServerDuplexStream, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { AppError, type Logger } from '@rapport/platform';
import type { ContractMethod } from '../descriptors/load-contract.js';
import { toGrpcStatus } from '../errors/grpc-status.js';
import {
  CallsServiceService,
  StreamEnd,
  type AnswerForm,
  type CallFrame,
} from '../gen/rapport/api/v1/calls_service.js';
import { jsonAnswer, WrittenAnswer } from '../rest/json-answers.js';
import type { JsonCodec } from '../rest/json-codec.js';
import type { ServedController } from '../server/grpc-handlers.js';
import type { PeerOf, ServiceEntry } from '../server/service-entry.js';
import { encodeAnswerFrame, type AnswerText, type OutgoingFrame } from './answer-frame.js';
import { ServedStream, type StreamedMethod } from './served-stream.js';

/** The call streams that a process serves. Each accepts calls of all unary methods of all its services. */
export class ServedStreams {
  readonly #methods = new Map<string, StreamedMethod>();
  readonly #open = new Set<ServedStream>();
  readonly #codecs = new Map<string, JsonCodec>();
  #isDraining = false;

  /** @param ageMs age at which the client of a stream is asked to open another one, in milliseconds */
  constructor(
    private readonly entry: ServiceEntry,
    private readonly peerOf: PeerOf,
    private readonly ageMs: number,
    private readonly logger: Logger,
  ) {}

  /** Registers the methods of a controller. */
  add({ definition, controller, run }: ServedController): void {
    for (const [name, { path, requestStream, responseStream, ...code }] of Object.entries(definition)) {
      const method = this.entry.contract.method(path);
      if (!method || requestStream || responseStream) continue;
      this.#methods.set(path, {
        method,
        decode: code.requestDeserialize,
        encode: code.responseSerialize,
        json: (form, answer) => this.#json(form, method, answer),
        handle: (request) => run(() => controller[name]?.(request) as Promise<unknown>),
      });
    }
  }

  /** CallsService, with its own encoding of answers. */
  get definition(): ServiceDefinition {
    return { calls: { ...CallsServiceService.calls, responseSerialize: encodeAnswerFrame } };
  }

  /** The handler of CallsService. */
  get handlers(): UntypedServiceImplementation {
    return { calls: (call: ServerDuplexStream<CallFrame, OutgoingFrame>) => this.#serve(call) };
  }

  /** Asks clients to open streams to other replicas. Later calls are refused, running ones are answered. */
  drain(): void {
    this.#isDraining = true;
    for (const stream of this.#open) stream.announceEnd(StreamEnd.DRAINING);
  }

  #json(form: AnswerForm, { desc }: ContractMethod, answer: unknown): AnswerText[] | undefined {
    if (answer instanceof WrittenAnswer) return [answer];
    return jsonAnswer(form, desc.output, answer as Record<string, unknown>, this.#codecs);
  }

  #serve(call: ServerDuplexStream<CallFrame, OutgoingFrame>): void {
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
