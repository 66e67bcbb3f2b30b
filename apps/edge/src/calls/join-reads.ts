import {
  AnswerForm,
  atEndOfTurn,
  JsonCodec,
  type Contract,
  type ContractClient,
  type JsonText,
} from '@rapport/contracts';
import { AppError, isTracing, keepSpan } from '@rapport/platform';
import { deadlineExceeded, endOf } from './call-ends.js';

type ContractMethod = Contract['methods'][number];
type Descriptor = ContractMethod['desc']['input'];
type Field = Descriptor['fields'][number];
type Message = Record<string, unknown>;
type CallOptions = Parameters<ContractClient['unary']>[2];

/** Requests one answer of a service as JSON. Failures are thrown as AppError. */
export type ReadCall = (message: Message, options: CallOptions) => Promise<JsonText>;

/** Most batches of one caller in flight, while the next one gathers. */
const maxInFlight = 2;
/** Longest time that a read waits for a batch before it, in milliseconds. */
const maxWaitMs = 5;
/** Most records that one call gets. */
const maxIds = 100;

/**
 * Calls a method for JSON. When its policy names a batch method (`joined_by`), reads of the same caller that arrive in the
 * same turn of the event loop, or while earlier ones are in flight, are joined into one call of that method: one call costs
 * as much as ten records. Each read gets the same answer as alone. A record that the batch lacks is requested alone, and so
 * is every read when the batch fails with INVALID_ARGUMENT, so these problems are those of the single read too; any other
 * failure of the batch is the failure of each read.
 *
 * @throws Error when the batch method does not have the form that the policy demands
 */
export function readCall(contract: Contract, method: ContractMethod, client: ContractClient): ReadCall {
  const alone: ReadCall = async (message, options) => {
    const [text] = await client.json(method.path, message, options, AnswerForm.JSON);
    if (!text) throw new Error(`${method.path} was not answered in JSON.`);
    return text;
  };
  const joined = joinedMethod(contract, method);
  if (!joined) return alone;
  const codec = JsonCodec.of(joined.method.desc.input, new Map());
  const together = (ids: string[], options: CallOptions) =>
    client.json(joined.method.path, codec.fromJson({ ids }), options, AnswerForm.JSON_RECORDS);
  const reads = new JoinedReads(joined, alone, together);
  return (message, options) => (joined.isJoinable(message) ? reads.get(message, options) : alone(message, options));
}

class JoinedReads {
  /** By principal token: each queue has only reads of one principal with the same rights. */
  readonly #queues = new Map<string | undefined, Queue>();
  /** Queues that got a read in this turn. */
  #gathering = new Set<Queue>();
  readonly #keepsSpans = isTracing();

  constructor(
    private readonly joined: JoinedMethod,
    private readonly alone: ReadCall,
    private readonly together: (ids: string[], options: CallOptions) => Promise<JsonText[]>,
  ) {}

  get(message: Message, options: CallOptions): Promise<JsonText> {
    const { principalToken } = options.context;
    let queue = this.#queues.get(principalToken);
    if (!queue) {
      queue = { principalToken, waiting: [], inFlight: 0, timer: undefined };
      this.#queues.set(principalToken, queue);
    }
    const read = new Read(message, options, this.#keepsSpans ? keepSpan() : doWork);
    queue.waiting.push(read);
    this.#atEndOfTurn(queue);
    return read.answer;
  }

  #atEndOfTurn(queue: Queue): void {
    if (this.#gathering.size === 0) atEndOfTurn(() => this.#endTurn());
    this.#gathering.add(queue);
  }

  #endTurn(): void {
    const queues = this.#gathering;
    this.#gathering = new Set();
    for (const queue of queues) this.#advance(queue);
  }

  #advance(queue: Queue): void {
    while (queue.waiting.length >= this.joined.maxIds) this.#send(queue);
    if (queue.waiting.length === 0) {
      if (queue.inFlight === 0) this.#queues.delete(queue.principalToken);
      return;
    }
    if (queue.inFlight < maxInFlight) this.#send(queue);
    else queue.timer ??= setTimeout(() => this.#send(queue), maxWaitMs);
  }

  #send(queue: Queue): void {
    clearTimeout(queue.timer);
    queue.timer = undefined;
    const reads = queue.waiting.splice(0, this.joined.maxIds).filter((read) => !read.endIfGone());
    queue.inFlight += 1;
    void this.#answer(reads).then(() => {
      queue.inFlight -= 1;
      if (queue.waiting.length > 0) this.#atEndOfTurn(queue);
      else if (queue.inFlight === 0) this.#queues.delete(queue.principalToken);
    });
  }

  /** Settles the reads; never rejects. */
  async #answer(reads: Read[]): Promise<void> {
    const [first] = reads;
    if (!first) return;
    if (reads.length === 1) return this.#answerAlone(first);
    try {
      const byId = await first.inItsSpan(() => this.#readTogether(first, reads));
      // A missing record is requested alone: only the single read gives the reason.
      await Promise.all(reads.map((read) => this.#settle(read, byId.get(read.message[this.joined.id]))));
    } catch (error) {
      // The two methods may validate differently, so the single read decides.
      const isRefused = error instanceof AppError && error.code === 'INVALID_ARGUMENT';
      await Promise.all(reads.map(async (read) => (isRefused ? this.#answerAlone(read) : read.reject(error))));
    }
  }

  async #readTogether(first: Read, reads: Read[]): Promise<Map<unknown, JsonText>> {
    const { id } = this.joined;
    const abandoned = new AbortController();
    let present = reads.length;
    for (const read of reads) read.endInTime((reason) => (present -= 1) === 0 && abandoned.abort(reason));
    const deadlineMs = Math.max(...reads.map(({ remainingMs }) => remainingMs));
    const options = { ...first.options, deadlineMs, signal: abandoned.signal };
    const records = await this.together([...new Set(reads.map(({ message }) => message[id] as string))], options);
    return new Map(records.map((record) => [record.id, record]));
  }

  async #settle(read: Read, found: JsonText | undefined): Promise<void> {
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

function doWork<Result>(work: () => Result): Result {
  return work();
}

/** The reads of one caller. */
interface Queue {
  principalToken: string | undefined;
  waiting: Read[];
  inFlight: number;
  timer: NodeJS.Timeout | undefined;
}

/** A read that waits for its answer. */
class Read {
  readonly answer: Promise<JsonText>;
  isOver = false;
  readonly #dueAt: number;
  readonly #promise = Promise.withResolvers<JsonText>();
  #stopWatching = (): void => undefined;

  constructor(
    readonly message: Message,
    readonly options: CallOptions,
    /** Runs work in the trace context of this read, also when another read triggers it. */
    readonly inItsSpan: ReturnType<typeof keepSpan>,
  ) {
    this.answer = this.#promise.promise;
    this.#dueAt = Date.now() + options.deadlineMs;
  }

  /** The rest of the deadline, in milliseconds; at least 1, so that the call itself fails. */
  get remainingMs(): number {
    return Math.max(1, this.#dueAt - Date.now());
  }

  /** Ends it when its client disconnected before its call was made. @returns whether it did */
  endIfGone(): boolean {
    const { signal } = this.options;
    if (signal?.aborted) this.reject(endOf(signal));
    return this.isOver;
  }

  /**
   * Limits its wait to its own deadline and until its client disconnects. Other reads of the same call may wait longer.
   *
   * @param onGone called when it stops waiting without an answer
   */
  endInTime(onGone: (reason: AppError) => void): void {
    const { signal } = this.options;
    const leave = (error: AppError) => {
      if (this.isOver) return;
      this.reject(error);
      onGone(error);
    };
    const goWithClient = () => signal && leave(endOf(signal));
    const timer = setTimeout(() => leave(deadlineExceeded()), this.remainingMs);
    signal?.addEventListener('abort', goWithClient, { once: true });
    this.#stopWatching = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', goWithClient);
    };
  }

  resolve(answer: JsonText): void {
    this.#end();
    this.#promise.resolve(answer);
  }

  reject(error: unknown): void {
    this.#end();
    this.#promise.reject(error);
  }

  #end(): void {
    this.isOver = true;
    this.#stopWatching();
  }
}

/** The batch method, and how its messages correspond to those of the single read. */
interface JoinedMethod {
  method: ContractMethod;
  /** The request field of the single read that names its record, as JSON. */
  id: string;
  /** Most ids in one call. */
  maxIds: number;
  /** Whether a request of the single read has no field but its id. */
  isJoinable: (message: Message) => boolean;
}

/**
 * Resolves `joined_by` of a method's policy; undefined when it is not set.
 *
 * @throws Error when there is no such method, or none of the form that the option demands
 */
function joinedMethod(contract: Contract, single: ContractMethod): JoinedMethod | undefined {
  const { policy, service, desc, path } = single;
  if (policy.joinedBy === '') return undefined;
  const method = contract.method(`/${service.typeName}/${policy.joinedBy}`);
  const fail = (demand: string): never => {
    throw new Error(`${path}: joined_by ${policy.joinedBy}: ${demand}.`);
  };
  if (!method) return fail('the service has no such method with a policy');
  if (isStream(method) || isStream(single)) return fail('neither method may have a stream');
  if (method.policy.permission !== policy.permission || method.policy.public !== policy.public)
    return fail('both methods must need the same permission');
  const ids = fieldOf(method.desc.input, 'ids');
  if (ids?.fieldKind !== 'list' || ids.listKind !== 'scalar')
    return fail('its request must have `repeated string ids`');
  const list = listOf(method.desc.output, desc.output);
  if (!list) return fail('its answer must have one list of the record');
  const id = fieldOf(desc.input, 'id');
  if (!id || !fieldOf(desc.output, 'id')) return fail('request and record must have an `id`');
  const others = desc.input.fields.filter((field) => field !== id).map(({ jsonName }) => jsonName);
  return {
    method,
    id: id.jsonName,
    maxIds: Math.min(maxIds, contract.rules(ids).maxItems ?? maxIds),
    isJoinable: (message) => others.every((name) => isAbsent(message[name])),
  };
}

function fieldOf(message: Descriptor, field: string): Field | undefined {
  return message.fields.find(({ name }) => name === field);
}

/** The one field that has a list of records. */
function listOf(answer: Descriptor, record: Descriptor): Field | undefined {
  const [list, ...others] = answer.fields.filter(({ message }) => message?.typeName === record.typeName);
  return list?.fieldKind === 'list' && others.length === 0 ? list : undefined;
}

function isStream({ requestStream, responseStream }: ContractMethod): boolean {
  return requestStream || responseStream;
}

function isAbsent(value: unknown): boolean {
  return (
    value === undefined ||
    value === '' ||
    value === 0 ||
    value === false ||
    (Array.isArray(value) && value.length === 0)
  );
}
