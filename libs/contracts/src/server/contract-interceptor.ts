import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { AppError, callContext, permissionMissing, type CallContext } from '@rapport/platform';
import { map, Observable } from 'rxjs';
import type { Contract, ContractMethod } from '../descriptors/load-contract.js';
import { MessageValidator } from '../rules/message-validator.js';
import { ReadMask } from '../rules/read-mask.js';
import { internalPermission, type CallIdentity, type IdentifiedCall } from './call-identity.js';

type Message = Record<string, unknown>;

interface Call extends IdentifiedCall {
  getPath(): string;
}

/**
 * Holds every call to its contract, whoever makes it: a method without a policy is refused, the caller must be proven and
 * needs the permission that the policy names, and a message must keep the rules of its fields. Then runs the handler in the
 * context of the call, and clears what a read mask leaves out of its answer.
 */
export class ContractInterceptor implements NestInterceptor {
  readonly #validator: MessageValidator;
  readonly #readMasks: ReadonlyMap<ContractMethod, ReadMask | undefined>;

  constructor(
    private readonly contract: Contract,
    private readonly identity: CallIdentity,
  ) {
    this.#validator = new MessageValidator(contract);
    this.#readMasks = new Map(contract.methods.map((method) => [method, ReadMask.of(method)]));
  }

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> | Promise<Observable<unknown>> {
    const [first, , third] = execution.getArgs<[unknown, unknown, Call | undefined]>();
    const call = third ?? (first as Call);
    const method = this.contract.method(call.getPath());
    if (!method) throw new AppError('UNIMPLEMENTED', 'METHOD_UNKNOWN', 'There is no such method.');
    const context = this.identity.contextOf(call, method.policy);
    return context instanceof Promise
      ? context.then((known) => this.#answer(method, known, first, next))
      : this.#answer(method, context, first, next);
  }

  #answer(method: ContractMethod, context: CallContext, first: unknown, next: CallHandler): Observable<unknown> {
    authorise(method, context);
    if (!method.requestStream) this.#validator.check(method.desc.input, first);
    const readMask = this.#readMasks.get(method);
    const names = readMask?.names(first as Message);
    // A handler that leaves out what nobody asked for meets one spelling only.
    if (readMask && names) (first as Message)[readMask.field.jsonName] = [...names];
    const answers = () =>
      readMask && names
        ? next.handle().pipe(map((answer) => readMask.clearOthers(answer as Message, names)))
        : next.handle();
    return new Observable((subscriber) => callContext.run(context, () => answers().subscribe(subscriber)));
  }
}

function authorise({ policy }: ContractMethod, { caller }: CallContext): void {
  if (policy.public) return;
  const permission = policy.internal ? internalPermission : policy.permission;
  if (!caller?.permissions.includes(permission)) throw permissionMissing(permission);
}
