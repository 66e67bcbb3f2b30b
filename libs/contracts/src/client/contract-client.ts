import type { DescMessage } from '@bufbuild/protobuf';
import { status, type Client, type MethodDefinition, type ServiceDefinition, type ServiceError } from '@grpc/grpc-js';
import { AppError, callContext, isTracing } from '@rapport/platform';
import type { EncodedAnswer } from '../calls/call-stream.js';
import { maxRequestBytes, type OutgoingCall } from '../calls/frames.js';
import { ReplicaStreams } from '../calls/replica-streams.js';
import { writeCallMetadata } from '../calls/call-metadata.js';
import { platformContract } from '../descriptors/platform-contract.js';
import { fromGrpcError, transportError } from '../errors/grpc-status.js';
import { AnswerForm, type JsonText } from '../gen/rapport/api/v1/calls_service.js';
import { TrafficClass } from '../gen/rapport/api/v1/options.js';
import { jsonAnswer } from '../rest/json-answers.js';
import type { JsonCodec } from '../rest/json-codec.js';
import { traceStreamedCall } from '../calls/trace-calls.js';
import { healthService } from '../server/grpc-health.js';
import { Attempts } from './attempts.js';
import { ClassChannels, untilConnected, type ServiceIdentity } from './class-channels.js';
import { cancelOnAbort, settle, writeAll } from './plain-calls.js';

export interface CallOptions {
  context: OutgoingCall;
  /** How long the answer may take, in milliseconds; limited by the deadline of the parent call. */
  deadlineMs: number;
  /** Cancels the call. */
  signal?: AbortSignal;
}

/**
 * Calls the methods of the services at one address. Failures are thrown as AppError.
 *
 * A call on a connection that the service is just ending is refused, and no service has received it. So it is repeated,
 * idempotent or not: gRPC does so once, at once, possibly on the same connection or another ending one. A call with a
 * stream of requests is not repeated, because its requests are consumed.
 */
export class ContractClient {
  readonly #channels: ClassChannels;
  /** Call streams by class of traffic. All other calls are plain gRPC. */
  readonly #streams: Readonly<Partial<Record<string, ReplicaStreams>>>;
  readonly #methods: ReadonlyMap<string, CalledMethod>;
  readonly #codecs = new Map<string, JsonCodec>();
  readonly #isTracing = isTracing();

  /**
   * @param address `host:port`, or a gRPC target such as `dns:///customers:50052`
   * @param tls certificate of this process, and the name that the certificate of the service must have. Without it the
   *   connection is plain, which is for tests only.
   * @param contract of the services; the platform's own when absent
   */
  constructor(
    address: string,
    services: readonly ServiceDefinition[],
    tls?: ServiceIdentity,
    protected readonly contract = platformContract(),
  ) {
    this.#channels = new ClassChannels(address, contract.longestCallMs, tls);
    const streams = () => new ReplicaStreams(address, (replica) => this.#channels.openTo(replica));
    this.#streams = { interactive: streams(), platform: streams() };
    const methods = services.flatMap((service) => Object.values(service)).map((code) => this.#calledMethod(code));
    this.#methods = new Map(methods.map((method) => [method.code.path, method]));
  }

  /** @param path full gRPC path of a unary method */
  async unary(path: string, request: unknown, options: CallOptions): Promise<unknown> {
    const { answer } = await this.call(path, request, options, AnswerForm.UNSPECIFIED);
    return this.#method(path).code.responseDeserialize(answer);
  }

  /**
   * The answer of a unary method as JSON: one text, or one for each record of its list. The service writes it, or this
   * process when the service has answered in protobuf.
   */
  async json(
    path: string,
    request: unknown,
    options: CallOptions,
    form: AnswerForm.JSON | AnswerForm.JSON_RECORDS,
  ): Promise<JsonText[]> {
    const { answer, json } = await this.call(path, request, options, form);
    if (json.length > 0) return json;
    const { code, output } = this.#method(path);
    if (!output) throw new Error(`${path} is in no contract.`);
    const written = jsonAnswer(form, output, code.responseDeserialize(answer) as Record<string, unknown>, this.#codecs);
    if (!written) throw new Error(`${path} has no list of records.`);
    return written;
  }

  protected async call(path: string, request: unknown, options: CallOptions, form: AnswerForm): Promise<EncodedAnswer> {
    const method = this.#method(path);
    const { context, signal } = options;
    const call = { path, request: method.code.requestSerialize(request), form, context, signal };
    if (signal?.aborted) throw transportError({ code: status.CANCELLED, details: '' });
    const dueAt = deadlineOf(options);
    let again: Attempts | undefined;
    for (;;) {
      try {
        // Calls are plain gRPC while there is no stream.
        const stream = call.request.length > maxRequestBytes ? undefined : method.streams?.leastBusy();
        if (!stream) return await this.#plain(call, dueAt, (again ??= new Attempts(dueAt, signal)));
        const make = (traceparent: string) => stream.make({ ...call, dueAt, traceparent });
        return await (this.#isTracing ? traceStreamedCall(path, make) : make(''));
      } catch (error) {
        again ??= new Attempts(dueAt, signal);
        await again.after(error);
      }
    }
  }

  /**
   * Sends a stream of requests no faster than the service reads them, until it answers.
   *
   * @param path of a client-streaming method
   */
  async upload(path: string, requests: AsyncIterable<unknown>, options: CallOptions): Promise<unknown> {
    const { requestSerialize, responseDeserialize } = this.#method(path).code;
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
   * The messages of a server stream, read on demand: the service waits while none is requested. The call begins with the
   * first request for a message, and is cancelled when the loop over them is left.
   *
   * @param path of a server-streaming method
   * @throws AppError when the call fails, after the messages that came before
   */
  async *stream(path: string, request: unknown, options: CallOptions): AsyncGenerator<unknown, void> {
    const { requestSerialize, responseDeserialize } = this.#method(path).code;
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
   * The answers of a bidirectional stream. Answers are read on demand, requests are sent as they arrive. The call ends when
   * the loop over the answers is left; the end of the requests half-closes the call.
   *
   * @param path of a bidirectional streaming method
   * @throws AppError when the call fails, after the messages that came before; what `requests` throws
   */
  async *duplex(path: string, requests: AsyncIterable<unknown>, options: CallOptions): AsyncGenerator<unknown, void> {
    const { requestSerialize, responseDeserialize } = this.#method(path).code;
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
      // Not awaited: it may hang while it waits for its next request.
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

  /** Rejects when the service does not answer within `timeoutMs`. Any answer counts. */
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

  /** The rights of callers have changed: makes services drop the principal tokens of this process. */
  forgetPrincipals(): void {
    for (const streams of Object.values(this.#streams)) streams?.forgetTokens();
  }

  close(): void {
    for (const streams of Object.values(this.#streams)) streams?.close();
    this.#channels.close();
  }

  async #plain(
    { path, request, context, signal }: { path: string; request: Buffer } & Omit<CallOptions, 'deadlineMs'>,
    deadline: number,
    again: Attempts,
  ): Promise<EncodedAnswer> {
    const channel = await this.#connected(path, again);
    return new Promise((resolve, reject) => {
      const same = (bytes: Buffer) => bytes;
      const metadata = writeCallMetadata(context);
      const settled = settle((answer) => resolve({ answer: answer as Buffer, json: [] }), reject);
      cancelOnAbort(channel.makeUnaryRequest(path, same, same, request, metadata, { deadline }, settled), signal);
    });
  }

  /** The channel of a call, once it is connected or the call's wait has ended. */
  async #connected(path: string, { connectBy, signal }: Attempts): Promise<Client> {
    const channel = this.#channels.of(this.#method(path).className);
    await untilConnected(channel, connectBy, signal);
    return channel;
  }

  #calledMethod(code: MethodDefinition<unknown, unknown>): CalledMethod {
    const { policy, desc } = this.contract.method(code.path) ?? {};
    const className = policy?.internal ? 'platform' : nameOfClass(policy?.trafficClass);
    return { code, className, streams: this.#streams[className], output: desc?.output };
  }

  #method(path: string): CalledMethod {
    const method = this.#methods.get(path);
    if (!method) throw new Error(`No compiled code for ${path}.`);
    return method;
  }
}

/** A method, with the precomputed data of its calls. */
interface CalledMethod {
  code: MethodDefinition<unknown, unknown>;
  /** The class of traffic whose connections its calls use. */
  className: string;
  /** Undefined for a method with plain calls. */
  streams: ReplicaStreams | undefined;
  /** Of a method that is in the contract. */
  output: DescMessage | undefined;
}

/** Whether the error means that no answer arrived. */
function isSilence({ reason }: AppError): boolean {
  return reason === 'SERVICE_UNAVAILABLE' || reason === 'DEADLINE_EXCEEDED';
}

function nameOfClass(trafficClass = TrafficClass.UNSPECIFIED): string {
  return trafficClass === TrafficClass.UNSPECIFIED ? 'interactive' : TrafficClass[trafficClass].toLowerCase();
}

function callArguments(options: CallOptions) {
  return [writeCallMetadata(options.context), deadlineOf(options)] as const;
}

function deadlineOf({ deadlineMs }: CallOptions): number {
  const { dueAt = Infinity } = callContext.getStore() ?? {};
  return Math.min(Date.now() + deadlineMs, dueAt);
}
