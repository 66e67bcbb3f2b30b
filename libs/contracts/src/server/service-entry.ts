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

/** The permission of the platform's own processes, which no external credential can get. */
const internalPermission = 'platform.internal';

/** The tenant id of the platform itself. */
const noTenant = '00000000-0000-0000-0000-000000000000';

/**
 * Identifies the process at the other end of a connection; undefined when it is unknown. Throws for one that may not call.
 */
export type PeerOf = (call: Pick<ServerUnaryCall<unknown, unknown>, 'getAuthContext'>) => string | undefined;

/** A received call, of any transport. */
export interface IncomingCall {
  method: ContractMethod;
  received: ReceivedCall;
  /**
   * The calling process; undefined when it is unknown. An unknown process can't call internal methods, nor set the cause
   * and client of a call.
   */
  peer: string | undefined;
  /** In milliseconds since the epoch. */
  dueAt: number;
  /** Aborted once the client no longer waits for the answer. */
  gone: AbortSignal;
  /** Whether the client asks for the answer as one JSON text. */
  asksForJson: boolean;
}

const calls = new Counter({
  name: 'rapport_calls_total',
  help: 'Calls that this process has started, by method.',
  labelNames: ['method'],
  registers: [metrics],
});

/**
 * Enforces the contract for every call: the caller must be authenticated and have the permission that the policy names, and
 * a message must keep the rules of its fields. Then it runs the handler in the context of the call, applies the read mask
 * to the answer, and hides personal data from callers that may not see it. In files, streams and Structs the handler itself
 * hides it.
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

  /** Running calls. */
  get running(): number {
    return this.#running;
  }

  /**
   * @param request undefined when the requests are a stream
   * @param handle runs the handler, in the context of the call
   * @throws AppError only: any other error of a handler is logged and replaced by INTERNAL
   */
  async answer<Answer>(
    { method, received, peer, dueAt, gone, asksForJson }: IncomingCall,
    request: unknown,
    handle: () => Promise<Answer>,
  ): Promise<Answer> {
    try {
      const known = this.#callerOf(method, received, peer);
      const caller = known instanceof Promise ? await known : known;
      authorise(method, caller);
      calls.inc({ method: method.path });
      const hides = caller?.hidesPii === true;
      if (request !== undefined) {
        this.#validator.check(method.desc.input, request);
        if (hides) this.#refuseMasked(method, request as Message);
      }
      const names = request === undefined ? undefined : this.#namesIn(method, request as Message);
      // The client left before the handler began.
      if (gone.aborted) throw new AppError('CANCELLED', 'CANCELLED', 'The client has gone.');
      const takesJson = asksForJson && !hides && !names;
      const answer = await this.#run(
        { ...contextOf(received, peer, caller), dueAt, gone, isRead: method.isRead, ...(takesJson && { takesJson }) },
        handle,
      );
      if (answer === undefined || (!names && !hides)) return answer;
      return this.#shown(method, answer as Message, names, hides) as Answer;
    } catch (error) {
      throw this.#asAppError(error, received.requestId);
    }
  }

  /**
   * The caller of an internal method is the process itself, of any other the principal of auth's token.
   *
   * @throws AppError UNAUTHENTICATED without a valid principal token, PERMISSION_DENIED for a process that may not call
   */
  #callerOf(
    { policy }: ContractMethod,
    { principalToken }: ReceivedCall,
    peer: string | undefined,
  ): Caller | undefined | Promise<Caller> {
    if (policy.internal) {
      // A call with a principal can't use the platform's internal methods.
      if (peer === undefined || principalToken !== '') throw permissionMissing(internalPermission);
      return { tenantId: noTenant, principalId: `service:${peer}`, permissions: [internalPermission] };
    }
    return policy.public && principalToken === '' ? undefined : this.principals.verify(principalToken);
  }

  /** The fields that a request asks for; undefined for all. The request then has them normalised, so that handlers see one spelling. */
  #namesIn(method: ContractMethod, request: Message): ReadonlySet<string> | undefined {
    const readMask = this.#readMasks.get(method);
    const names = readMask?.names(request);
    if (readMask && names) request[readMask.field.jsonName] = [...names];
    return names;
  }

  /** The part of an answer that the caller has asked for and may see. */
  #shown(method: ContractMethod, answer: Message, names: ReadonlySet<string> | undefined, hides: boolean): Message {
    const readMask = this.#readMasks.get(method);
    const chosen = readMask && names ? readMask.clearOthers(answer, names) : answer;
    return hides ? this.#personalData.hide(method.desc.output, chosen) : chosen;
  }

  async #run<Answer>(context: CallContext, handle: () => Promise<Answer>): Promise<Answer> {
    this.#running += 1;
    try {
      return await callContext.run(context, handle);
    } finally {
      this.#running -= 1;
    }
  }

  /** A mask that a caller received in place of personal data must not be stored as personal data. */
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

/** The cause and the client of a call are trusted only from a known process. */
function contextOf({ requestId, cause, client }: ReceivedCall, peer: string | undefined, caller: Caller | undefined) {
  if (peer === undefined) return { requestId, caller };
  return { requestId, caller, ...(cause && { cause }), ...(client && { client }) };
}
