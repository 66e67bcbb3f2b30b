import type { ServerUnaryCall } from '@grpc/grpc-js';
import {
  allows,
  AppError,
  callContext,
  type CallContext,
  type Caller,
  currentTraceId,
  invalidArgument,
  type Logger,
  metrics,
  permissionMissing,
} from '@rapport/platform';
import { Counter } from 'prom-client';
import type { ReceivedCall } from '../calls/frames.js';
import type { Contract, ContractMethod } from '../descriptors/load-contract.js';
import type { PrincipalVerifier } from '../principals/principal-verifier.js';
import { MessageValidator } from '../rules/message-validator.js';
import { PersonalDataMask } from '../rules/personal-data-mask.js';
import { ReadMask } from '../rules/read-mask.js';

type Message = Record<string, unknown>;

/** What the platform's own processes have, and no credential from outside can be given. */
const internalPermission = 'platform.internal';

/** Stands for the platform instead of a tenant. */
const noTenant = '00000000-0000-0000-0000-000000000000';

/** Finds the process at the other end of a connection; undefined when it is not known. Throws for one that may not call. */
export type PeerOf = (call: Pick<ServerUnaryCall<unknown, unknown>, 'getAuthContext'>) => string | undefined;

/** A call as it came, by whichever transport. */
export interface IncomingCall {
  method: ContractMethod;
  received: ReceivedCall;
  /** The process that calls; undefined when it is not known. Such a one can't call what is internal, nor say why or from where it calls. */
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
 * Enforces the contract for every call: the caller must be authenticated and have the permission that the policy names,
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
    private readonly principals: PrincipalVerifier,
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
  async answer<Answer>(
    { method, received, peer, dueAt, gone }: IncomingCall,
    request: unknown,
    handle: () => Promise<Answer>,
  ): Promise<Answer> {
    try {
      const known = this.#callerOf(method, received, peer);
      const caller = known instanceof Promise ? await known : known;
      authorise(method, caller);
      calls.inc();
      const hides = caller?.hidesPii === true;
      if (request !== undefined) {
        this.#validator.check(method.desc.input, request);
        if (hides) this.#refuseMasked(method, request as Message);
      }
      const readMask = request === undefined ? undefined : this.#readMasks.get(method);
      const names = readMask?.names(request as Message);
      // A handler that leaves out what nobody asked for meets one spelling only.
      if (readMask && names) (request as Message)[readMask.field.jsonName] = [...names];
      // Nobody waits for what has not begun.
      if (gone.aborted) throw new AppError('CANCELLED', 'CANCELLED', 'Nobody waits for the answer any longer.');
      const answer = await this.#run({ ...contextOf(received, peer, caller), dueAt, gone }, handle);
      if (answer === undefined) return answer;
      const chosen = readMask && names ? readMask.clearOthers(answer as Message, names) : answer;
      return hides ? (this.#personalData.hide(method.desc.output, chosen as Message) as Answer) : (chosen as Answer);
    } catch (error) {
      throw this.#asAppError(error, received.requestId);
    }
  }

  /**
   * For an internal method the process itself is the caller, for any other the principal that auth vouches for.
   *
   * @throws AppError UNAUTHENTICATED without a good principal token, PERMISSION_DENIED for a process that may not call
   */
  #callerOf(
    { policy }: ContractMethod,
    { principalToken }: ReceivedCall,
    peer: string | undefined,
  ): Caller | undefined | Promise<Caller> {
    if (policy.internal) {
      // A call for a principal has no access to what the platform does on its own account.
      if (peer === undefined || principalToken !== '') throw permissionMissing(internalPermission);
      return { tenantId: noTenant, principalId: `service:${peer}`, permissions: [internalPermission] };
    }
    return policy.public && principalToken === '' ? undefined : this.principals.verify(principalToken);
  }

  async #run<Answer>(context: CallContext, handle: () => Promise<Answer>): Promise<Answer> {
    this.#running += 1;
    try {
      return await callContext.run(context, handle);
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

function authorise({ policy }: ContractMethod, caller: Caller | undefined): void {
  if (policy.public) return;
  const permission = policy.internal ? internalPermission : policy.permission;
  if (!caller || !allows(caller.permissions, permission)) throw permissionMissing(permission);
}

/** Why and from where a call comes is what a process says that is known. */
function contextOf({ requestId, cause, client }: ReceivedCall, peer: string | undefined, caller: Caller | undefined) {
  if (peer === undefined) return { requestId, caller };
  return { requestId, caller, ...(cause && { cause }), ...(client && { client }) };
}
