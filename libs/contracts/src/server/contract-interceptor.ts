import type { EventEmitter } from 'node:events';
import type { ServerUnaryCall } from '@grpc/grpc-js';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import {
  AppError,
  callContext,
  invalidArgument,
  metrics,
  permissionMissing,
  type CallContext,
} from '@rapport/platform';
import { Counter } from 'prom-client';
import { defer, finalize, map, Observable } from 'rxjs';
import type { Contract, ContractMethod } from '../descriptors/load-contract.js';
import { MessageValidator } from '../rules/message-validator.js';
import { PersonalDataMask } from '../rules/personal-data-mask.js';
import { ReadMask } from '../rules/read-mask.js';
import { internalPermission, type CallIdentity, type IdentifiedCall } from './call-identity.js';

type Message = Record<string, unknown>;

type Call = IdentifiedCall &
  EventEmitter &
  Pick<ServerUnaryCall<unknown, unknown>, 'getPath' | 'getDeadline' | 'cancelled'>;

const calls = new Counter({
  name: 'rapport_calls_total',
  help: 'Calls that this process has begun to answer.',
  registers: [metrics],
});

/**
 * Holds every call to its contract, whoever makes it: a method without a policy is refused, the caller must be proven and
 * needs the permission that the policy names, and a message must keep the rules of its fields. Then runs the handler in the
 * context of the call, clears what a read mask leaves out of its answer, and hides personal data from callers that may not
 * see it. What a handler makes of files, streams and objects of any shape it hides itself.
 */
export class ContractInterceptor implements NestInterceptor {
  readonly #validator: MessageValidator;
  readonly #personalData: PersonalDataMask;
  readonly #readMasks: ReadonlyMap<ContractMethod, ReadMask | undefined>;
  #running = 0;

  constructor(
    private readonly contract: Contract,
    private readonly identity: CallIdentity,
  ) {
    this.#validator = new MessageValidator(contract);
    this.#personalData = new PersonalDataMask(contract);
    this.#readMasks = new Map(contract.methods.map((method) => [method, ReadMask.of(method)]));
  }

  /** Calls that are being answered. */
  get running(): number {
    return this.#running;
  }

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> | Promise<Observable<unknown>> {
    const [first, , third] = execution.getArgs<[unknown, unknown, Call | undefined]>();
    const call = third ?? (first as Call);
    const method = this.contract.method(call.getPath());
    if (!method) throw new AppError('UNIMPLEMENTED', 'METHOD_UNKNOWN', 'There is no such method.');
    const context = this.identity.contextOf(call, method.policy);
    return context instanceof Promise
      ? context.then((known) => this.#answer(method, call, known, first, next))
      : this.#answer(method, call, context, first, next);
  }

  #answer(
    method: ContractMethod,
    call: Call,
    context: CallContext,
    first: unknown,
    next: CallHandler,
  ): Observable<unknown> {
    authorise(method, context);
    calls.inc();
    if (!method.requestStream) {
      this.#validator.check(method.desc.input, first);
      if (context.caller?.hidesPii) this.#refuseMasked(method, first as Message);
    }
    const readMask = this.#readMasks.get(method);
    const names = readMask?.names(first as Message);
    // A handler that leaves out what nobody asked for meets one spelling only.
    if (readMask && names) (first as Message)[readMask.field.jsonName] = [...names];
    const hides = context.caller?.hidesPii === true;
    const shown = (answer: Message) => {
      const chosen = readMask && names ? readMask.clearOthers(answer, names) : answer;
      return hides ? this.#personalData.hide(method.desc.output, chosen) : chosen;
    };
    const answers = () =>
      names || hides ? next.handle().pipe(map((answer) => shown(answer as Message))) : next.handle();
    return defer(() => {
      this.#running += 1;
      return whileWaitedFor(call, context, answers).pipe(finalize(() => (this.#running -= 1)));
    });
  }

  /** What a caller was shown in the place of personal data must not become personal data. */
  #refuseMasked({ desc }: ContractMethod, request: Message): void {
    const paths = this.#personalData.maskedPaths(desc.input, request);
    if (paths.length === 0) return;
    const description = 'is what was shown in the place of a hidden value; leave it out';
    throw invalidArgument(paths.map((field) => ({ field, reason: 'MASKED_VALUE', description })));
  }
}

/** Runs a handler in the context of its call, which tells when nobody waits for the answer any longer. */
function whileWaitedFor(call: Call, context: CallContext, answers: () => Observable<unknown>): Observable<unknown> {
  return new Observable((subscriber) => {
    const gone = new AbortController();
    const leave = () => gone.abort();
    // Of a call that is answered too: what the handler has left running then is waited for by others.
    call.once('cancelled', leave);
    if (call.cancelled) leave();
    const waited = { ...context, dueAt: Number(call.getDeadline()), gone: gone.signal };
    const answered = finalize(() => call.off('cancelled', leave));
    return callContext.run(waited, () => answers().pipe(answered).subscribe(subscriber));
  });
}

function authorise({ policy }: ContractMethod, { caller }: CallContext): void {
  if (policy.public) return;
  const permission = policy.internal ? internalPermission : policy.permission;
  if (!caller?.permissions.includes(permission)) throw permissionMissing(permission);
}
