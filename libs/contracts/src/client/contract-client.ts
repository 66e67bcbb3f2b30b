import { once } from 'node:events';
import type { Writable } from 'node:stream';
import {
  status,
  type Client,
  type ClientUnaryCall,
  type MethodDefinition,
  type ServiceDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { AppError, callContext, isTracing } from '@rapport/platform';
import type { CallStream } from '../calls/call-stream.js';
import { maxRequestBytes } from '../calls/frame-limits.js';
import { ReplicaStreams } from '../calls/replica-streams.js';
import { writeCallMetadata, type OutgoingCall } from '../call-metadata.js';
import { platformContract } from '../descriptors/platform-contract.js';
import { fromGrpcError, transportError } from '../errors/grpc-status.js';
import { TrafficClass } from '../gen/rapport/api/v1/options.js';
import { traceStreamedCall } from '../trace-calls.js';
import { healthService } from '../server/grpc-health.js';
import { untilSettled } from '../until-settled.js';
import { Attempts } from './attempts.js';
import { ClassChannels, untilConnected, type ServiceProof } from './class-channels.js';

export interface CallOptions {
  context: OutgoingCall;
  /** How long the answer may take, in milliseconds; never longer than the call for which this one is made. */
  deadlineMs: number;
  /** Ends the call when the one who asked has gone. */
  signal?: AbortSignal;
}

/**
 * Calls the methods of the services at one address. Failures are thrown as AppError.
 *
 * A call that meets a connection just as the service ends it is refused, and no service has seen it. So it is made again
 * whatever it does, which is no retry: gRPC does so once, at once, and may meet the same connection or another one that ends. Not
 * so a call whose requests are a stream, which are gone.
 */
export class ContractClient {
  readonly #channels: ClassChannels;
  /** By the class of traffic that they carry. Calls of all others are plain. */
  readonly #streams: Readonly<Partial<Record<string, ReplicaStreams>>>;
  readonly #methods: ReadonlyMap<string, MethodDefinition<unknown, unknown>>;

  /**
   * @param address `host:port`, or a gRPC target such as `dns:///customers:50052`
   * @param tls what this process proves itself with, and the name that the certificate of the service must have. Without it
   *   the connection is plain, which is for tests only.
   * @param contract of the services; the platform's own when absent
   */
  constructor(
    address: string,
    services: readonly ServiceDefinition[],
    tls?: ServiceProof,
    protected readonly contract = platformContract(),
  ) {
    this.#channels = new ClassChannels(address, contract.longestCallMs, tls);
    const streams = () => new ReplicaStreams(address, (replica) => this.#channels.openTo(replica));
    this.#streams = { interactive: streams(), platform: streams() };
    this.#methods = new Map(
      services.flatMap((service) => Object.values(service)).map((method) => [method.path, method]),
    );
  }

  /** @param path full gRPC path of a method without streams */
  async unary(path: string, request: unknown, options: CallOptions): Promise<unknown> {
    const { requestSerialize, responseDeserialize } = this.#method(path);
    const call = { path, request: requestSerialize(request), context: options.context, signal: options.signal };
    if (options.signal?.aborted) throw transportError({ code: status.CANCELLED, details: '' });
    const dueAt = deadlineOf(options);
    const again = new Attempts(dueAt, options.signal);
    for (;;) {
      try {
        const stream = this.#streamFor(call);
        if (!stream) return await this.#plain(call, dueAt, responseDeserialize, again);
        const make = (traceparent: string) => stream.make({ ...call, dueAt, traceparent });
        return responseDeserialize(await (isTracing() ? traceStreamedCall(path, make) : make('')));
      } catch (error) {
        await again.after(error);
      }
    }
  }

  /**
   * Sends a stream of requests no faster than the service reads them, and no longer than until it answers.
   *
   * @param path of a client-streaming method
   */
  async upload(path: string, requests: AsyncIterable<unknown>, options: CallOptions): Promise<unknown> {
    const { requestSerialize, responseDeserialize } = this.#method(path);
    const [metadata, deadline] = callArguments(options);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const channel = await this.#connected(path, new Attempts(deadline, options.signal));
    const call = channel.makeClientStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      metadata,
      { deadline },
      settle(resolve, reject),
    );
    cancelOnAbort(call, options.signal);
    try {
      await writeAll(call, requests[Symbol.asyncIterator](), promise);
      call.end();
    } catch (error) {
      call.cancel();
      throw error;
    }
    return promise;
  }

  /**
   * The messages of a server stream, read no faster than they are asked for: while nobody asks, the service waits. The
   * call begins with the first one that is asked for, and is cancelled when the loop over them is left.
   *
   * @param path of a server-streaming method
   * @throws AppError when the call fails, after the messages that came before
   */
  async *stream(path: string, request: unknown, options: CallOptions): AsyncGenerator<unknown, void> {
    const { requestSerialize, responseDeserialize } = this.#method(path);
    const [metadata, deadline] = callArguments(options);
    const again = new Attempts(deadline, options.signal);
    for (;;) {
      const channel = await this.#connected(path, again);
      const call = channel.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, metadata, {
        deadline,
      });
      cancelOnAbort(call, options.signal);
      try {
        for await (const message of call) yield message as unknown;
        return;
      } catch (error) {
        await again.after(fromGrpcError(error as ServiceError));
      } finally {
        call.cancel();
      }
    }
  }

  /**
   * The answers of a call with streams in both directions. Answers are read no faster than they are asked for, requests are
   * sent as they come. The call ends when the loop over the answers is left; when the requests end, the service is told.
   *
   * @param path of a method with streams in both directions
   * @throws AppError when the call fails, after the messages that came before; what `requests` throws
   */
  async *duplex(path: string, requests: AsyncIterable<unknown>, options: CallOptions): AsyncGenerator<unknown, void> {
    const { requestSerialize, responseDeserialize } = this.#method(path);
    const [metadata, deadline] = callArguments(options);
    const channel = await this.#connected(path, new Attempts(deadline, options.signal));
    const call = channel.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata, { deadline });
    cancelOnAbort(call, options.signal);
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    call.once('status', end);
    let failure: Error | undefined;
    const iterator = requests[Symbol.asyncIterator]();
    const sending = writeAll(call, iterator, ended)
      .then(() => call.end())
      .catch((error: unknown) => {
        failure = error instanceof Error ? error : new Error(String(error));
        call.cancel();
      })
      // Not waited for: it may hang in the wait for what it would have sent next.
      .finally(() => void iterator.return?.());
    try {
      for await (const message of call) yield message as unknown;
    } catch (error) {
      throw failure ?? fromGrpcError(error as ServiceError);
    } finally {
      call.cancel();
      end();
      await sending;
    }
  }

  /** Rejects when the service can't be reached within `timeoutMs`. */
  async waitUntilReady(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#channels
        .of('interactive')
        .waitForReady(Date.now() + timeoutMs, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Rejects when the service does not answer within `timeoutMs`, whatever it answers. */
  async checkAnswers(timeoutMs: number): Promise<void> {
    const { path, requestSerialize, responseDeserialize } = healthService.check;
    const deadline = Date.now() + timeoutMs;
    const asked = new Promise((resolve, reject) => {
      const channel = this.#channels.of('interactive');
      const respond = settle(resolve, reject);
      channel.makeUnaryRequest(path, requestSerialize, responseDeserialize, Buffer.alloc(0), { deadline }, respond);
    });
    await asked.catch((error: unknown) => {
      if (!(error instanceof AppError) || isSilence(error)) throw error;
    });
  }

  /** What callers may do has changed: services forget the principals that they know of this process. */
  forgetPrincipals(): void {
    for (const streams of Object.values(this.#streams)) streams?.forgetTokens();
  }

  close(): void {
    for (const streams of Object.values(this.#streams)) streams?.close();
    this.#channels.close();
  }

  /** The stream that a call is made on; undefined for one that is made by plain gRPC, as are all while there is no stream. */
  #streamFor({ path, request }: { path: string; request: Buffer }): CallStream | undefined {
    if (request.length > maxRequestBytes) return undefined;
    return this.#streams[this.#classOf(path)]?.leastBusy();
  }

  async #plain(
    { path, request, context, signal }: { path: string; request: Buffer } & Omit<CallOptions, 'deadlineMs'>,
    deadline: number,
    decode: (answer: Buffer) => unknown,
    again: Attempts,
  ): Promise<unknown> {
    const channel = await this.#connected(path, again);
    return new Promise<unknown>((resolve, reject) => {
      const encoded = () => request;
      const metadata = writeCallMetadata(context);
      const settled = settle(resolve, reject);
      cancelOnAbort(channel.makeUnaryRequest(path, encoded, decode, request, metadata, { deadline }, settled), signal);
    });
  }

  /** The channel of a call, once it is connected or the call may wait no longer. */
  async #connected(path: string, { connectBy, signal }: Attempts): Promise<Client> {
    const channel = this.#channels.of(this.#classOf(path));
    await untilConnected(channel, connectBy, signal);
    return channel;
  }

  #classOf(path: string): string {
    const policy = this.contract.method(path)?.policy;
    return policy?.internal ? 'platform' : nameOfClass(policy?.trafficClass);
  }

  #method(path: string): MethodDefinition<unknown, unknown> {
    const method = this.#methods.get(path);
    if (!method) throw new Error(`No compiled code for ${path}.`);
    return method;
  }
}

/** Whether it says that nothing came back. */
function isSilence({ reason }: AppError): boolean {
  return reason === 'SERVICE_UNAVAILABLE' || reason === 'DEADLINE_EXCEEDED';
}

function nameOfClass(trafficClass = TrafficClass.UNSPECIFIED): string {
  return trafficClass === TrafficClass.UNSPECIFIED ? 'interactive' : TrafficClass[trafficClass].toLowerCase();
}

/**
 * Writes requests no faster than the service reads them, and no longer than until the call has ended. Leaves the call open,
 * and the iterator where it is.
 */
async function writeAll(call: Writable, requests: AsyncIterator<unknown>, ended: Promise<unknown>): Promise<void> {
  const unlessEnded = untilSettled(ended);
  for (;;) {
    const request = await unlessEnded(requests.next());
    if (!request || request.done) return;
    if (!call.write(request.value)) await unlessEnded(once(call, 'drain'));
  }
}

function callArguments(options: CallOptions) {
  return [writeCallMetadata(options.context), deadlineOf(options)] as const;
}

function deadlineOf({ deadlineMs }: CallOptions): number {
  const { dueAt = Infinity } = callContext.getStore() ?? {};
  return Math.min(Date.now() + deadlineMs, dueAt);
}

function settle(resolve: (value: unknown) => void, reject: (error: Error) => void) {
  return (error: ServiceError | null, response?: unknown) => {
    if (!error) return resolve(response);
    // Details that can't be read reject the call, and do not throw into the transport.
    void Promise.resolve(error).then(fromGrpcError).then(reject, reject);
  };
}

function cancelOnAbort(
  call: Pick<ClientUnaryCall, 'cancel'> & NodeJS.EventEmitter,
  signal: AbortSignal | undefined,
): void {
  if (!signal) return;
  const cancel = () => call.cancel();
  if (signal.aborted) cancel();
  signal.addEventListener('abort', cancel, { once: true });
  call.once('status', () => signal.removeEventListener('abort', cancel));
}
