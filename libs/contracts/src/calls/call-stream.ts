import { status, type Client, type ClientDuplexStream, type StatusObject } from '@grpc/grpc-js';
import { refusedCall, transportError, unpackStatus } from '../errors/grpc-status.js';
import {
  CallsServiceService,
  StreamEnd,
  type AnswerForm,
  type AnswerFrame,
  type CallFrame,
  type StreamedAnswer,
  type StreamedCall,
} from '../gen/rapport/api/v1/calls_service.js';
import { callFields, decodeAnswerFrame, frames, maxTokens, sendAtEndOfTurn, type OutgoingCall } from './frames.js';

/** Longest time that a timer of Node can wait, in milliseconds. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * Silence of a service after which the expiry of a call means that the connection may be lost, in milliseconds. The network does not report
 * every loss, such as that of a host, and the keepalive of gRPC notices it after minutes only.
 */
const silentMs = 1_000;

/** A call, and the deadline of its answer. */
export interface CallToStream {
  /** Full gRPC path. */
  path: string;
  request: Buffer;
  form: AnswerForm;
  context: OutgoingCall;
  /** In milliseconds since the epoch. */
  dueAt: number;
  /** Empty without a trace. */
  traceparent: string;
  signal: AbortSignal | undefined;
}

/** The answer in the requested form, or in protobuf. */
export type EncodedAnswer = Pick<StreamedAnswer, 'answer' | 'json'>;

/** A call in flight. */
interface WaitingCall extends CallToStream {
  resolve: (answer: EncodedAnswer) => void;
  reject: (error: unknown) => void;
  timer: NodeJS.Timeout;
  cancel: () => void;
  /** Whether the service may have begun it. */
  isSent: boolean;
}

interface NumberedCall {
  number: number;
  call: WaitingCall;
}

/** `open` takes calls, and `aging` does while there is no other stream to the replica. */
type State = 'connecting' | 'open' | 'aging' | 'leaving' | 'ended';

/**
 * A call stream: one bidirectional gRPC stream that multiplexes calls to one replica of a service, on its own connection.
 */
export class CallStream {
  /** How it ended: with OK once the client has left it, and otherwise by a failure of the transport or a refusal. */
  readonly ended: Promise<StatusObject>;
  /** Whether it has carried a call. */
  isUsed = false;
  /** Whether a call has expired while nothing came from the service. */
  isSilent = false;
  readonly #stream: ClientDuplexStream<CallFrame, AnswerFrame>;
  readonly #waiting = new Map<number, WaitingCall>();
  readonly #tokens = new Map<string, number>();
  #state: State = 'connecting';
  #lastNumber = 0;
  #lastToken = 0;
  #unsent: number[] = [];
  #cancelled: number[] = [];
  #forgotten: number[] = [];
  #isFlushDue = false;
  #hasRoom = true;
  /** Time of the last frame of the service, in milliseconds since the epoch. */
  #heardAt = 0;

  /**
   * @param channel used by this stream only, which closes it
   * @param onChange called when it accepts calls, and when a new stream is needed: the service requests one, or is silent
   */
  constructor(
    private readonly channel: Client,
    private readonly onChange: () => void,
  ) {
    const { path, requestSerialize } = CallsServiceService.calls;
    const { promise, resolve } = Promise.withResolvers<StatusObject>();
    this.ended = promise;
    this.#stream = channel.makeBidiStreamRequest(path, requestSerialize, decodeAnswerFrame);
    this.#stream.once('metadata', () => {
      this.#state = 'open';
      onChange();
    });
    this.#stream.on('data', (frame: AnswerFrame) => this.#take(frame));
    this.#stream.on('drain', () => {
      this.#hasRoom = true;
      this.#flushSoon();
    });
    // The event `status` reports the end too.
    this.#stream.on('error', () => undefined);
    this.#stream.once('status', (end: StatusObject) => {
      this.#endAll();
      resolve(end);
    });
  }

  get state(): State {
    return this.#state;
  }

  /** Number of calls in flight. */
  get running(): number {
    return this.#waiting.size;
  }

  /**
   * @returns the encoded answer
   * @throws AppError; `wasRefused` is true for the error of a call that the service has not begun
   */
  make(call: CallToStream): Promise<EncodedAnswer> {
    if (this.#state === 'leaving' || this.#state === 'ended') return Promise.reject(refusedCall());
    this.isUsed = true;
    this.#lastNumber += 1;
    const number = this.#lastNumber;
    const { promise, resolve, reject } = Promise.withResolvers<EncodedAnswer>();
    const madeAt = Date.now();
    const timer = setTimeout(
      () => this.#expire(number, madeAt),
      Math.min(Math.max(1, call.dueAt - madeAt), longestTimerMs),
    );
    const cancel = () => this.#giveUp(number, status.CANCELLED);
    call.signal?.addEventListener('abort', cancel, { once: true });
    this.#waiting.set(number, { ...call, resolve, reject, timer, cancel, isSent: false });
    this.#unsent.push(number);
    this.#flushSoon();
    return promise;
  }

  /** Makes the service forget all principal tokens; later calls send theirs again. */
  forgetTokens(): void {
    this.#forgotten.push(...this.#tokens.values());
    this.#tokens.clear();
    if (this.#forgotten.length > 0) this.#flushSoon();
  }

  /** Accepts no more calls. Ends once those in flight are answered. */
  leave(): void {
    if (this.#state === 'ended') return;
    if (this.#state === 'connecting') {
      this.#stream.cancel();
      return;
    }
    this.#state = 'leaving';
    this.#endWhenAnswered();
  }

  #take({ answers, end }: AnswerFrame): void {
    this.#heardAt = Date.now();
    for (const answer of answers) this.#settle(answer);
    if (end === StreamEnd.AGE) this.#state = 'aging';
    if (end === StreamEnd.DRAINING) this.#state = 'leaving';
    if (end !== StreamEnd.UNSPECIFIED) this.onChange();
    this.#endWhenAnswered();
  }

  #settle(answer: StreamedAnswer): void {
    const call = this.#remove(answer.number);
    if (!call) return;
    if (answer.code === 0) call.resolve(answer);
    else call.reject(answer.refused ? refusedCall() : errorOf(answer.code, answer.status));
  }

  #expire(number: number, madeAt: number): void {
    this.#giveUp(number, status.DEADLINE_EXCEEDED);
    if (this.#state !== 'open' || Date.now() - Math.max(this.#heardAt, madeAt) < silentMs) return;
    this.isSilent = true;
    this.#state = 'aging';
    this.onChange();
  }

  /** Stops waiting for an answer. */
  #giveUp(number: number, code: status): void {
    const call = this.#remove(number);
    if (!call) return;
    if (call.isSent) {
      this.#cancelled.push(number);
      this.#flushSoon();
    }
    call.reject(transportError({ code, details: '' }));
    this.#endWhenAnswered();
  }

  #remove(number: number): WaitingCall | undefined {
    const call = this.#waiting.get(number);
    if (!call) return undefined;
    this.#waiting.delete(number);
    clearTimeout(call.timer);
    call.signal?.removeEventListener('abort', call.cancel);
    return call;
  }

  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    sendAtEndOfTurn(this.#flush);
  }

  readonly #flush = (): void => {
    this.#isFlushDue = false;
    if (!this.#hasRoom || this.#state === 'ended') return;
    const calls = this.#unsent.flatMap((number) => {
      const call = this.#waiting.get(number);
      return call ? [{ number, call }] : [];
    });
    const [cancelledCalls, forgottenTokens] = [this.#cancelled, this.#forgotten];
    [this.#unsent, this.#cancelled, this.#forgotten] = [[], [], []];
    if (cancelledCalls.length > 0 || forgottenTokens.length > 0)
      this.#write({ tokens: [], calls: [], cancelledCalls, forgottenTokens });
    for (const part of frames(calls, bytesOf)) this.#send(part);
    this.#endWhenAnswered();
  };

  #send(part: readonly NumberedCall[]): void {
    const frame: CallFrame = { tokens: [], calls: [], cancelledCalls: [], forgottenTokens: [] };
    for (const { number, call } of part) {
      call.isSent = true;
      frame.calls.push(streamedCall(number, call, this.#numberOf(call.context.principalToken, frame)));
    }
    this.#write(frame);
  }

  /** The number of a token. The frame carries the token itself when the service does not have it yet. */
  #numberOf(token: string | undefined, frame: CallFrame): number {
    if (!token) return 0;
    const known = this.#tokens.get(token);
    if (known !== undefined) return known;
    // The service drops them after it has read this frame. Until then it also holds those of the frame.
    if (this.#tokens.size >= maxTokens / 2) {
      frame.forgottenTokens.push(...this.#tokens.values());
      this.#tokens.clear();
    }
    this.#lastToken += 1;
    this.#tokens.set(token, this.#lastToken);
    frame.tokens.push({ number: this.#lastToken, token });
    return this.#lastToken;
  }

  #write(frame: CallFrame): void {
    this.#hasRoom = this.#stream.write(frame);
  }

  #endWhenAnswered(): void {
    if (this.#state !== 'leaving') return;
    if (this.#waiting.size === 0 && !this.#isFlushDue && !this.#stream.writableEnded) this.#stream.end();
  }

  #endAll(): void {
    this.#state = 'ended';
    this.channel.close();
    for (const number of [...this.#waiting.keys()]) {
      const call = this.#remove(number);
      // The outcome of a sent call is unknown.
      call?.reject(call.isSent ? transportError({ code: status.UNAVAILABLE, details: '' }) : refusedCall());
    }
  }
}

/** Most bytes of a call in a frame besides its request and token: ids, addresses and a user agent. */
const envelopeBytes = 512;

/** A token counts even if an earlier frame carried it. */
function bytesOf({ call: { request, context } }: NumberedCall): number {
  return envelopeBytes + request.length + (context.principalToken?.length ?? 0);
}

function errorOf(code: status, packed: Buffer): unknown {
  if (packed.length === 0) return transportError({ code, details: '' });
  try {
    return unpackStatus(code, packed);
  } catch (error) {
    return error;
  }
}

function streamedCall(
  number: number,
  { path, request, form, context, dueAt, traceparent }: WaitingCall,
  token: number,
): StreamedCall {
  const timeoutMs = Math.max(1, Math.ceil(dueAt - Date.now()));
  return { number, method: path, timeoutMs, token, traceparent, ...callFields(context), answerForm: form, request };
}
