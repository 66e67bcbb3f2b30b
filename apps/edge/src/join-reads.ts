import { JsonCodec, type Contract, type ContractClient } from '@rapport/contracts';
import { AppError, keepSpan } from '@rapport/platform';
import { deadlineExceeded, endOf } from './call-ends.js';
import { joinedMethod, type JoinedMethod } from './joined-method.js';

type ContractMethod = Contract['methods'][number];
type Message = Record<string, unknown>;
type CallOptions = Parameters<ContractClient['unary']>[2];

/** Asks a service for one answer. Failures are thrown as AppError. */
export type UnaryCall = (message: Message, options: CallOptions) => Promise<Message>;

/** Batches of one caller that are under way at a time, while the next one gathers. */
const maxUnderWay = 2;

/** Longest time that a read waits for a batch before it, in milliseconds. */
const maxWaitMs = 5;

/**
 * How a method is called. When its policy names a method that joins it (`joined_by`), reads of the same caller that arrive
 * in the same turn of the event loop, or while earlier ones are under way, become one call of that method: one call costs as
 * much as ten records. Each gets the answer that it would have got alone. What the call lacks is asked for alone, and so is each
 * of them when it is refused with INVALID_ARGUMENT, so these problems are those of the single read too; any other failure of
 * the call is the failure of each.
 *
 * @throws Error when the method that joins it does not have the form that the policy demands
 */
export function unaryCall(contract: Contract, method: ContractMethod, client: ContractClient): UnaryCall {
  const alone: UnaryCall = (message, options) => client.unary(method.path, message, options) as Promise<Message>;
  const joined = joinedMethod(contract, method);
  if (!joined) return alone;
  const codec = JsonCodec.of(joined.method.desc.input, new Map());
  const together = async (ids: string[], options: CallOptions) =>
    (await client.unary(joined.method.path, codec.fromJson({ ids }), options)) as Message;
  const reads = new JoinedReads(joined, alone, together);
  return (message, options) => (joined.isJoinable(message) ? reads.get(message, options) : alone(message, options));
}

class JoinedReads {
  /** By principal token: reads of one principal with the same rights, and nobody else's are among them. */
  readonly #lanes = new Map<string | undefined, Lane>();
  /** Those that got a read in this turn. */
  #gathering = new Set<Lane>();

  constructor(
    private readonly joined: JoinedMethod,
    private readonly alone: UnaryCall,
    private readonly together: (ids: string[], options: CallOptions) => Promise<Message>,
  ) {}

  get(message: Message, options: CallOptions): Promise<Message> {
    const { principalToken } = options.context;
    let lane = this.#lanes.get(principalToken);
    if (!lane) {
      lane = { principalToken, waiting: [], underWay: 0, timer: undefined };
      this.#lanes.set(principalToken, lane);
    }
    const read = new Read(message, options);
    lane.waiting.push(read);
    this.#atEndOfTurn(lane);
    return read.answer;
  }

  #atEndOfTurn(lane: Lane): void {
    if (this.#gathering.size === 0) setImmediate(() => this.#endTurn());
    this.#gathering.add(lane);
  }

  #endTurn(): void {
    const lanes = this.#gathering;
    this.#gathering = new Set();
    for (const lane of lanes) this.#advance(lane);
  }

  #advance(lane: Lane): void {
    while (lane.waiting.length >= this.joined.maxIds) this.#send(lane);
    if (lane.waiting.length === 0) {
      if (lane.underWay === 0) this.#lanes.delete(lane.principalToken);
      return;
    }
    if (lane.underWay < maxUnderWay) this.#send(lane);
    else lane.timer ??= setTimeout(() => this.#send(lane), maxWaitMs);
  }

  #send(lane: Lane): void {
    clearTimeout(lane.timer);
    lane.timer = undefined;
    const reads = lane.waiting.splice(0, this.joined.maxIds).filter(({ isOver }) => !isOver);
    lane.underWay += 1;
    void this.#answer(reads).then(() => {
      lane.underWay -= 1;
      this.#atEndOfTurn(lane);
    });
  }

  /** Settles the reads; never rejects. */
  async #answer(reads: Read[]): Promise<void> {
    const [first] = reads;
    if (!first) return;
    if (reads.length === 1) return this.#answerAlone(first);
    try {
      const byId = await first.inItsSpan(() => this.#readTogether(first, reads));
      // What is missing is asked for alone: only that tells why.
      await Promise.all(reads.map((read) => this.#settle(read, byId.get(read.message[this.joined.id]))));
    } catch (error) {
      // A message that the one method takes and the other refuses is for the one to judge.
      const isRefused = error instanceof AppError && error.code === 'INVALID_ARGUMENT';
      await Promise.all(reads.map(async (read) => (isRefused ? this.#answerAlone(read) : read.reject(error))));
    }
  }

  async #readTogether(first: Read, reads: Read[]): Promise<Map<unknown, Message>> {
    const { id, list } = this.joined;
    const abandoned = new AbortController();
    let present = reads.length;
    for (const read of reads) {
      read.onGone = (reason) => (present -= 1) === 0 && abandoned.abort(reason);
      read.endWhenDue();
    }
    const deadlineMs = Math.max(...reads.map(({ remainingMs }) => remainingMs));
    const options = { ...first.options, deadlineMs, signal: abandoned.signal };
    const answer = await this.together([...new Set(reads.map(({ message }) => message[id] as string))], options);
    return new Map((answer[list] as Message[]).map((record) => [record['id'], record]));
  }

  async #settle(read: Read, found: Message | undefined): Promise<void> {
    return found ? read.resolve(found) : this.#answerAlone(read);
  }

  async #answerAlone(read: Read): Promise<void> {
    if (read.isOver) return;
    try {
      const options = { ...read.options, deadlineMs: read.remainingMs };
      read.resolve(await read.inItsSpan(() => this.alone(read.message, options)));
    } catch (error) {
      read.reject(error);
    }
  }
}

/** The reads of one caller. */
interface Lane {
  principalToken: string | undefined;
  waiting: Read[];
  underWay: number;
  timer: NodeJS.Timeout | undefined;
}

/** One who waits for an answer. */
class Read {
  readonly answer: Promise<Message>;
  /** Does work for it in the trace that it belongs to, whoever was the cause of doing it now. */
  readonly inItsSpan = keepSpan();
  /** Called when it waits no longer, though it is not answered. */
  onGone: (reason: AppError) => void = () => undefined;
  isOver = false;
  readonly #dueAt: number;
  #timer: NodeJS.Timeout | undefined;
  readonly #goWithClient: () => void = () => undefined;
  readonly #promise = Promise.withResolvers<Message>();

  constructor(
    readonly message: Message,
    readonly options: CallOptions,
  ) {
    this.answer = this.#promise.promise;
    this.#dueAt = Date.now() + options.deadlineMs;
    const { signal } = options;
    if (!signal) return;
    this.#goWithClient = () => this.#leave(endOf(signal));
    if (signal.aborted) this.#goWithClient();
    else signal.addEventListener('abort', this.#goWithClient, { once: true });
  }

  /** What is left of the deadline, in milliseconds; at least 1, so that it is the call that fails. */
  get remainingMs(): number {
    return Math.max(1, this.#dueAt - Date.now());
  }

  /** Waits no longer than its own deadline, for an answer that others may wait for longer. */
  endWhenDue(): void {
    this.#timer = setTimeout(() => this.#leave(deadlineExceeded()), this.remainingMs);
  }

  resolve(answer: Message): void {
    this.#end();
    this.#promise.resolve(answer);
  }

  reject(error: unknown): void {
    this.#end();
    this.#promise.reject(error);
  }

  #leave(error: AppError): void {
    if (this.isOver) return;
    this.reject(error);
    this.onGone(error);
  }

  #end(): void {
    this.isOver = true;
    clearTimeout(this.#timer);
    this.options.signal?.removeEventListener('abort', this.#goWithClient);
  }
}
