import type { EventEmitter } from 'node:events';
import type {
  sendUnaryData,
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  UntypedHandleCall,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { AppError } from '@rapport/platform';
import { readCallMetadata } from '../calls/call-metadata.js';
import { toGrpcStatus } from '../errors/grpc-status.js';
import { unreadableRequest } from '../errors/unreadable-request.js';
import type { IncomingCall, PeerOf, ServiceEntry } from './service-entry.js';
import { writeAnswers } from './write-answers.js';

/** Runs a handler of a controller in its context, such as a database session. */
export type RunHandler = <Answer>(handle: () => Promise<Answer>) => Promise<Answer>;

/** A service, its controller's instance, and the wrapper of its handlers. */
export interface ServedController {
  definition: ServiceDefinition;
  controller: Record<string, (request: unknown) => unknown>;
  run: RunHandler;
}

type Call = Pick<ServerUnaryCall<unknown, unknown>, 'metadata' | 'getAuthContext' | 'getDeadline' | 'cancelled'> &
  EventEmitter;

/**
 * The service for a server of grpc-js, which answers INTERNAL to a request that can't be decoded: such a request is the error of
 * its handler here.
 */
export function readableService({ definition }: ServedController): ServiceDefinition {
  return Object.fromEntries(
    Object.entries(definition).map(([name, method]) => [name, method.requestStream ? method : readableMethod(method)]),
  );
}

function readableMethod(method: ServiceDefinition[string]): ServiceDefinition[string] {
  const requestDeserialize = (bytes: Buffer): unknown => {
    try {
      return method.requestDeserialize(bytes);
    } catch {
      return unreadableRequest();
    }
  };
  return { ...method, requestDeserialize };
}

/** Answers the methods of a service over plain gRPC, one stream of HTTP/2 for each call. */
export function grpcHandlers(
  served: ServedController,
  entry: ServiceEntry,
  peerOf: PeerOf,
): UntypedServiceImplementation {
  const handlers = Object.entries(served.definition).map(([name, { path, requestStream, responseStream }]) => {
    const handler = new GrpcHandler(served, name, path, entry, peerOf);
    if (requestStream && responseStream) return [name, handler.answerBidirectional] as const;
    if (requestStream) return [name, handler.answerUpload] as const;
    return [name, responseStream ? handler.answerStream : handler.answerUnary] as const;
  });
  return Object.fromEntries(handlers as [string, UntypedHandleCall][]);
}

class GrpcHandler {
  constructor(
    private readonly served: ServedController,
    private readonly name: string,
    private readonly path: string,
    private readonly entry: ServiceEntry,
    private readonly peerOf: PeerOf,
  ) {}

  readonly answerUnary = (call: ServerUnaryCall<unknown, unknown>, respond: sendUnaryData<unknown>): void => {
    const { request } = call;
    const answer = this.#answer(call, request, () => this.#handle(request) as Promise<unknown>);
    answer.then((message) => respond(null, message), refuseBy(respond));
  };

  readonly answerUpload = (call: ServerReadableStream<unknown, unknown>, respond: sendUnaryData<unknown>): void => {
    const answer = this.#answer(call, undefined, () => this.#handle(call) as Promise<unknown>);
    answer.then((message) => respond(null, message), refuseBy(respond));
  };

  readonly answerStream = (call: ServerWritableStream<unknown, unknown>): void => {
    const { request } = call;
    const answers = () => writeAnswers(call, this.#handle(request) as AsyncIterable<unknown>);
    void this.#answer(call, request, answers).then(...endOf(call));
  };

  readonly answerBidirectional = (call: ServerDuplexStream<unknown, unknown>): void => {
    // A handler that stops reading requests may still have answers.
    const requests = { [Symbol.asyncIterator]: () => call.iterator({ destroyOnReturn: false }) };
    const answers = () => writeAnswers(call, this.#handle(requests) as AsyncIterable<unknown>);
    void this.#answer(call, undefined, answers).then(...endOf(call));
  };

  #handle(request: unknown): unknown {
    return this.served.controller[this.name]?.(request);
  }

  async #answer<Answer>(call: Call, request: unknown, handle: () => Promise<Answer>): Promise<Answer> {
    const method = this.entry.contract.method(this.path);
    if (!method) throw new AppError('UNIMPLEMENTED', 'METHOD_UNKNOWN', 'There is no such method.');
    if (request instanceof AppError) throw request;
    const gone = new AbortController();
    const leave = () => gone.abort();
    call.once('cancelled', leave);
    if (call.cancelled) leave();
    const incoming: IncomingCall = {
      method,
      received: readCallMetadata(call.metadata),
      peer: this.peerOf(call),
      dueAt: Number(call.getDeadline()),
      gone: gone.signal,
      asksForJson: false,
    };
    try {
      return await this.entry.answer(incoming, request, () => this.served.run(handle));
    } finally {
      // Work that the handler has left running is awaited elsewhere.
      call.off('cancelled', leave);
    }
  }
}

function refuseBy(respond: sendUnaryData<unknown>): (error: AppError) => void {
  return (error) => respond(toGrpcStatus(error));
}

/** Ends a call with a stream of answers: emitting an error is the only way to set its status. */
function endOf(call: EventEmitter & { end: () => unknown }): [() => void, (error: AppError) => void] {
  return [() => call.end(), (error) => call.emit('error', toGrpcStatus(error))];
}
