import type {
  sendUnaryData,
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
} from '@grpc/grpc-js';

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
 * The type of a service's controller: one async method per RPC. A unary method takes the message; one with a stream of
 * requests takes an async iterable, which is read no faster than the method asks; one with a stream of answers is an async
 * generator, and may take a stream of requests. The generator resumes when the reader has room for more, and is ended at
 * its current `yield` when the reader disconnects: release resources in its `finally`.
 */
export type ServiceHandlers<Server> = Handlers<Server>;

const implemented = new WeakMap<object, ServiceDefinition>();

/**
 * Makes a Nest controller serve the RPCs of a service.
 *
 * @param definition the service as ts-proto generates it, such as `CustomersServiceService`
 */
export function ImplementsService(definition: ServiceDefinition) {
  return (controller: { prototype: object }): void => {
    for (const [name, method] of Object.entries(definition)) {
      if (!(name in controller.prototype)) throw new Error(`No handler for ${method.path}.`);
    }
    implemented.set(controller, definition);
  };
}

/** The service that a controller implements; undefined for a class that implements none. */
export function serviceOf(controller: object): ServiceDefinition | undefined {
  return implemented.get(controller);
}

/** The services that controllers implement. @throws Error for a class that implements none */
export function servicesOf(controllers: readonly { name: string }[]): ServiceDefinition[] {
  return controllers.map((controller) => {
    const service = serviceOf(controller);
    if (!service) throw new Error(`${controller.name} implements no service.`);
    return service;
  });
}
