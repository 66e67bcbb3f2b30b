import type {
  sendUnaryData,
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
} from '@grpc/grpc-js';
import { GrpcMethod, GrpcStreamCall } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import { writeAnswers, writeStream } from './write-stream.js';

type Handlers<Server> = {
  // Without the index signature that grpc-js gives every implementation.
  [Method in keyof Server as string extends Method ? never : number extends Method ? never : Method]: Handler<
    Server[Method]
  >;
};

type Handler<Call> = Call extends (
  call: ServerUnaryCall<infer Request, infer Response>,
  callback: sendUnaryData<infer Response>,
) => void
  ? (request: Request) => Promise<Response>
  : Call extends (
        call: ServerReadableStream<infer Request, infer Response>,
        callback: sendUnaryData<infer Response>,
      ) => void
    ? (requests: AsyncIterable<Request>) => Promise<Response>
    : Call extends (call: ServerWritableStream<infer Request, infer Response>) => void
      ? (request: Request) => AsyncIterable<Response>
      : Call extends (call: ServerDuplexStream<infer Request, infer Response>) => void
        ? (requests: AsyncIterable<Request>) => AsyncIterable<Response>
        : never;

/**
 * What a controller of a service looks like: one async method per RPC. A unary method takes the message; one with a
 * stream of requests takes an async iterable, which is read no faster than the method asks; one with a stream of answers
 * is an async generator, and may take a stream of requests. The generator goes on when the reader has room for more, and is ended where it stands when the reader
 * has gone: what must be given back belongs into its `finally`.
 */
export type ServiceHandlers<Server> = Handlers<Server>;

/**
 * Makes a Nest controller answer the RPCs of a service.
 *
 * @param definition the service as ts-proto generates it, such as `CustomersServiceService`
 */
export function ImplementsService(definition: ServiceDefinition) {
  return (controller: { prototype: object }): void => {
    for (const [name, method] of Object.entries(definition)) {
      // Nest finds handlers by the keys of the definition, which ts-proto writes in lower camel case.
      const [, serviceName = ''] = method.path.split('/');
      const handler = Object.getOwnPropertyDescriptor(controller.prototype, name);
      if (!handler) throw new Error(`No handler for ${method.path}.`);
      if (method.requestStream && method.responseStream) answerBothWays(handler);
      else if (method.requestStream) answerThroughCallback(handler);
      else if (method.responseStream) answerThroughCall(handler);
      Object.defineProperty(controller.prototype, name, handler);
      if (method.requestStream) {
        GrpcStreamCall(serviceName, name)(controller.prototype, name, handler);
      } else {
        GrpcMethod(serviceName, name)(controller.prototype, name, handler);
      }
    }
  };
}

/** Nest hands a streaming handler the raw call and leaves the answer to it. */
function answerThroughCallback(descriptor: PropertyDescriptor): void {
  const handler = descriptor.value as (requests: AsyncIterable<unknown>) => Promise<unknown>;
  descriptor.value = async function (
    this: unknown,
    call: ServerReadableStream<unknown, unknown>,
    callback: sendUnaryData<unknown>,
  ): Promise<void> {
    callback(null, await handler.call(this, call));
  };
}

/** Nest would keep for a slow reader whatever a handler emits, so the answers go past it. */
function answerThroughCall(descriptor: PropertyDescriptor): void {
  const handler = descriptor.value as (request: unknown) => AsyncIterable<unknown>;
  descriptor.value = function (
    this: unknown,
    request: unknown,
    _metadata: unknown,
    call: ServerWritableStream<unknown, unknown>,
  ): Observable<never> {
    return writeStream(call, handler.call(this, request));
  };
}

/** Nest hands over the raw call, and leaves the answers and their end to us. */
function answerBothWays(descriptor: PropertyDescriptor): void {
  const handler = descriptor.value as (requests: AsyncIterable<unknown>) => AsyncIterable<unknown>;
  descriptor.value = async function (this: unknown, call: ServerDuplexStream<unknown, unknown>): Promise<void> {
    // Who stops reading requests has not said that there are no more answers.
    const requests = { [Symbol.asyncIterator]: () => call.iterator({ destroyOnReturn: false }) };
    await writeAnswers(call, handler.call(this, requests));
    call.end();
  };
}
