import {
  AppError,
  callContext,
  currentTraceId,
  invalidArgument,
  metrics,
  permissionMissing,
  type CallContext,
  type Logger,
} from '@rapport/platform';
import { Counter } from 'prom-client';
import type { ReceivedCall } from '../call-metadata.js';
import type { Contract, ContractMethod } from '../descriptors/load-contract.js';
import { MessageValidator } from '../rules/message-validator.js';
import { PersonalDataMask } from '../rules/personal-data-mask.js';
import { ReadMask } from '../rules/read-mask.js';
import { internalPermission, type CallIdentity } from './call-identity.js';

type Message = Record<string, unknown>;

/** A call as it came, by whichever transport. */
export interface IncomingCall {
  method: ContractMethod;
  received: ReceivedCall;
  /** The process that calls; undefined when it is not known. */
  peer: string | undefined;
  /** In milliseconds since the epoch. */
  dueAt: number;
  /** Aborted once nobody waits for the answer any longer. */
  gone: AbortSignal;
}

const calls = new Counter({
  name: 'rapport_calls_total',
  help: 'Calls that this process has begun to answer.',
  registers: [metrics],
});

/**
 * Holds every call to its contract, whoever makes it: the caller must be proven and needs the permission that the policy names,
 * and a message must keep the rules of its fields. Then runs the handler in the context of the call, clears what a read mask
 * leaves out of its answer, and hides personal data from callers that may not see it. What a handler makes of files, streams
 * and objects of any shape it hides itself.
 */
export class ServiceEntry {
  readonly #validator: MessageValidator;
  readonly #personalData: PersonalDataMask;
  readonly #readMasks: ReadonlyMap<ContractMethod, ReadMask | undefined>;
  #running = 0;

  constructor(
    readonly contract: Contract,
    private readonly identity: CallIdentity,
    private readonly logger: Logger,
  ) {
    this.#validator = new MessageValidator(contract);
    this.#personalData = new PersonalDataMask(contract);
    this.#readMasks = new Map(contract.methods.map((method) => [method, ReadMask.of(method)]));
  }

  /** Calls that are being answered. */
  get running(): number {
    return this.#running;
  }

  /**
   * @param request undefined when the requests are a stream
   * @param handle runs the handler, in the context of the call
   * @throws AppError and nothing else: what a handler throws besides is logged, and leaves without detail
   */
  async answer<Answer>(call: IncomingCall, request: unknown, handle: () => Promise<Answer>): Promise<Answer> {
    try {
      const context = this.identity.contextOf(call.received, call.peer, call.method.policy);
      return await this.#answer(call, context instanceof Promise ? await context : context, request, handle);
    } catch (error) {
      throw this.#asAppError(error, call.received.requestId);
    }
  }

  async #answer<Answer>(
    { method, dueAt, gone }: IncomingCall,
    context: CallContext,
    request: unknown,
    handle: () => Promise<Answer>,
  ): Promise<Answer> {
    authorise(method, context);
    calls.inc();
    const hides = context.caller?.hidesPii === true;
    if (request !== undefined) {
      this.#validator.check(method.desc.input, request);
      if (hides) this.#refuseMasked(method, request as Message);
    }
    const readMask = request === undefined ? undefined : this.#readMasks.get(method);
    const names = readMask?.names(request as Message);
    // A handler that leaves out what nobody asked for meets one spelling only.
    if (readMask && names) (request as Message)[readMask.field.jsonName] = [...names];
    this.#running += 1;
    try {
      const answer = await callContext.run({ ...context, dueAt, gone }, handle);
      if (answer === undefined) return answer;
      const chosen = readMask && names ? readMask.clearOthers(answer as Message, names) : answer;
      return hides ? (this.#personalData.hide(method.desc.output, chosen as Message) as Answer) : (chosen as Answer);
    } finally {
      this.#running -= 1;
    }
  }

  /** What a caller was shown in the place of personal data must not become personal data. */
  #refuseMasked({ desc }: ContractMethod, request: Message): void {
    const paths = this.#personalData.maskedPaths(desc.input, request);
    if (paths.length === 0) return;
    const description = 'is what was shown in the place of a hidden value; leave it out';
    throw invalidArgument(paths.map((field) => ({ field, reason: 'MASKED_VALUE', description })));
  }

  #asAppError(error: unknown, requestId: string): AppError {
    if (error instanceof AppError) return error;
    this.logger.error({ err: error, requestId, traceId: currentTraceId() }, 'unexpected error');
    return new AppError('INTERNAL', 'INTERNAL', 'Something went wrong on our side.');
  }
}

function authorise({ policy }: ContractMethod, { caller }: CallContext): void {
  if (policy.public) return;
  const permission = policy.internal ? internalPermission : policy.permission;
  if (!caller?.permissions.includes(permission)) throw permissionMissing(permission);
}
