import { Metadata, status, type ServerDuplexStream } from '@grpc/grpc-js';
import { AppError, isTracing, type Logger } from '@rapport/platform';
import type { ContractMethod } from '../descriptors/load-contract.js';
import { packStatus, toGrpcStatus } from '../errors/grpc-status.js';
import { unreadableRequest } from '../errors/unreadable-request.js';
import { AnswerForm, StreamEnd, type CallFrame, type StreamedCall } from '../gen/rapport/api/v1/calls_service.js';
import type { ServiceEntry } from '../server/service-entry.js';
import { traceStreamedAnswer } from './trace-calls.js';
import { textBytes, type AnswerText, type OutgoingAnswer, type OutgoingFrame } from './answer-frame.js';
import { frames, maxAnswerBytes, maxRequestBytes, maxRunningCalls, maxTokens, receivedCall } from './frames.js';

/** A unary method that call streams can call. */
export interface StreamedMethod {
  method: ContractMethod;
  decode: (request: Buffer) => unknown;
  encode: (answer: unknown) => Buffer;
  /** Undefined when the answer is sent in protobuf. */
  json: (form: AnswerForm, answer: unknown) => AnswerText[] | undefined;
  handle: (request: unknown) => Promise<unknown>;
}

/** The longest time that a timer of Node can wait, in milliseconds. */
const longestTimerMs = 2 ** 31 - 1;
const nothing = Buffer.alloc(0);

/** A call that is being answered. */
interface RunningCall {
  gone: AbortController;
  timer: NodeJS.Timeout;
  /** Whether its answer has been sent, or the client has left. */
  isOver: boolean;
}

/** The server's side of one call stream of one process. Each call is answered independently. */
export class ServedStream {
  /** Resolves when nothing more will be sent. */
  readonly ended: Promise<void>;
  readonly #tokens = new Map<number, string>();
  readonly #running = new Map<number, RunningCall>();
  /** Number of running calls whose clients still wait. */
  #waitedFor = 0;
  #lastNumber = 0;
  #answers: OutgoingAnswer[] = [];
  #end = StreamEnd.UNSPECIFIED;
  #isDraining = false;
  #isFlushDue = false;
  /** Whether the client has ended its side. */
  #isHalfClosed = false;
  #isOver = false;

  constructor(
    private readonly call: ServerDuplexStream<CallFrame, OutgoingFrame>,
    private readonly peer: string | undefined,
    private readonly methods: ReadonlyMap<string, StreamedMethod>,
    private readonly entry: ServiceEntry,
    private readonly logger: Logger,
  ) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    call.on('data', (frame: CallFrame) => this.#take(frame));
    call.once('end', () => {
      this.#isHalfClosed = true;
      this.#endWhenAnswered();
    });
    call.once('cancelled', () => this.#abandon());
    call.once('close', resolve);
    call.once('cancelled', resolve);
    call.once('finish', resolve);
    // The client sends no calls before it knows that the stream is accepted.
    call.sendMetadata(new Metadata());
  }

  announceEnd(end: StreamEnd): void {
    if (end === StreamEnd.DRAINING) this.#isDraining = true;
    this.#end = end;
    this.#flushSoon();
  }

  #take(frame: CallFrame): void {
    if (this.#isOver) return;
    try {
      for (const { number, token } of frame.tokens) {
        if (number === 0 || this.#tokens.has(number) || this.#tokens.size >= maxTokens) throw frameInvalid();
        this.#tokens.set(number, token);
      }
      for (const call of frame.calls) this.#begin(call);
      for (const number of frame.cancelledCalls) this.#cancel(number);
      for (const number of frame.forgottenTokens) this.#tokens.delete(number);
    } catch (error) {
      this.#abandon();
      if (!(error instanceof AppError)) throw error;
      // A defect of the calling process: all its calls of this stream are lost.
      this.logger.warn({ peer: this.peer, reason: error.reason }, 'ended a call stream');
      this.call.emit('error', toGrpcStatus(error));
    }
  }

  /** @throws AppError for a call that a correct client never makes */
  #begin(call: StreamedCall): void {
    const { number } = call;
    const token = call.token === 0 ? '' : this.#tokens.get(call.token);
    if (number <= this.#lastNumber || token === undefined || call.request.length > maxRequestBytes)
      throw frameInvalid();
    this.#lastNumber = number;
    if (this.#isDraining || this.#running.size >= maxRunningCalls) {
      this.#push({ ...ending(number, status.UNAVAILABLE), refused: true });
      return;
    }
    const waitMs = Math.min(call.timeoutMs, longestTimerMs);
    const gone = new AbortController();
    const running: RunningCall = { gone, timer: setTimeout(() => this.#expire(number), waitMs), isOver: false };
    this.#running.set(number, running);
    this.#waitedFor += 1;
    void this.#answer(call, token, Date.now() + waitMs, gone.signal).then((answer) => {
      clearTimeout(running.timer);
      this.#running.delete(number);
      if (running.isOver) return;
      running.isOver = true;
      this.#waitedFor -= 1;
      this.#push(answer);
      this.#endWhenAnswered();
    });
  }

  /** Never rejects. */
  async #answer(call: StreamedCall, principalToken: string, dueAt: number, gone: AbortSignal): Promise<OutgoingAnswer> {
    const { number, method: path } = call;
    const known = this.methods.get(path);
    let request: unknown;
    try {
      request = known?.decode(call.request);
    } catch {
      const error = unreadableRequest();
      return { ...ending(number, status[error.code]), status: packStatus(error) };
    }
    try {
      if (!known) throw new AppError('UNIMPLEMENTED', 'METHOD_UNKNOWN', 'There is no such method.');
      const received = receivedCall(call, principalToken);
      const asksForJson = call.answerForm === AnswerForm.JSON;
      const incoming = { method: known.method, received, peer: this.peer, dueAt, gone, asksForJson };
      const work = () => this.entry.answer(incoming, request, () => known.handle(request));
      const answered = await (isTracing() ? traceStreamedAnswer(path, call.traceparent, work) : work());
      const json = known.json(call.answerForm, answered);
      // Protobuf is smaller.
      if (json && bytesOf(json) <= maxAnswerBytes) return { ...ending(number, status.OK), json };
      const answer = known.encode(answered);
      if (answer.length > maxAnswerBytes) return ending(number, status.RESOURCE_EXHAUSTED);
      return { ...ending(number, status.OK), answer };
    } catch (error) {
      if (error instanceof AppError) return { ...ending(number, status[error.code]), status: packStatus(error) };
      this.logger.error({ err: error, requestId: call.requestId, method: path }, 'could not encode an answer');
      return ending(number, status.INTERNAL);
    }
  }

  #expire(number: number): void {
    if (this.#leave(number)) this.#push(ending(number, status.DEADLINE_EXCEEDED));
  }

  #cancel(number: number): void {
    if (this.#leave(number)) this.#endWhenAnswered();
  }

  /** Aborts the handler of a call, which counts as running until it ends. @returns whether its client still waited */
  #leave(number: number): boolean {
    const running = this.#running.get(number);
    if (!running || running.isOver) return false;
    running.isOver = true;
    this.#waitedFor -= 1;
    clearTimeout(running.timer);
    running.gone.abort();
    return true;
  }

  /** The stream has ended: no client waits for an answer. */
  #abandon(): void {
    this.#isOver = true;
    for (const number of this.#running.keys()) this.#leave(number);
  }

  #push(answer: OutgoingAnswer): void {
    this.#answers.push(answer);
    this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#isFlushDue = false;
    const [answers, end] = [this.#answers, this.#end];
    [this.#answers, this.#end] = [[], StreamEnd.UNSPECIFIED];
    if (this.#isOver) return;
    let hasRoom = true;
    if (end !== StreamEnd.UNSPECIFIED) hasRoom = this.call.write({ answers: [], end });
    for (const part of frames(answers, answerBytes))
      hasRoom = this.call.write({ answers: part, end: StreamEnd.UNSPECIFIED });
    if (!hasRoom && !this.call.isPaused()) this.#waitForReader();
    this.#endWhenAnswered();
  }

  /** Reads no more calls of a client that does not read its answers. */
  #waitForReader(): void {
    this.call.pause();
    this.call.once('drain', () => this.call.resume());
  }

  #endWhenAnswered(): void {
    if (!this.#isHalfClosed || this.#isOver || this.#waitedFor > 0 || this.#isFlushDue) return;
    this.#isOver = true;
    this.call.end();
  }
}

function ending(number: number, code: status): OutgoingAnswer {
  return { number, code, answer: nothing, status: nothing, refused: false, json: [] };
}

function answerBytes({ answer, status: packed, json }: OutgoingAnswer): number {
  return answer.length + packed.length + bytesOf(json);
}

function bytesOf(json: readonly AnswerText[]): number {
  return json.reduce((bytes, text) => bytes + textBytes(text), 0);
}

function frameInvalid(): AppError {
  return new AppError('INVALID_ARGUMENT', 'FRAME_INVALID', 'The frame breaks the rules of call streams.');
}
