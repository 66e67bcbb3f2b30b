import type { Metadata } from '@grpc/grpc-js';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { AppError, callContext, permissionMissing, type CallContext } from '@rapport/platform';
import { map, Observable } from 'rxjs';
import { readCallMetadata } from '../call-metadata.js';
import type { Contract, ContractMethod } from '../descriptors/load-contract.js';
import { MessageValidator } from '../rules/message-validator.js';
import { ReadMask } from '../rules/read-mask.js';

type Message = Record<string, unknown>;

/** What the platform's own processes have and no credential from outside can be given. */
export const internalPermission = 'platform.internal';

interface Call {
  metadata: Metadata;
  getPath(): string;
}

/**
 * Holds every call to its contract, whoever makes it: a method without a policy is refused, a caller needs the
 * permission that the policy names, and a message must keep the rules of its fields. Then runs the handler in the
 * context of the call, and clears what a read mask leaves out of its answer.
 */
export class ContractInterceptor implements NestInterceptor {
  readonly #validator: MessageValidator;
  readonly #readMasks: ReadonlyMap<ContractMethod, ReadMask | undefined>;

  constructor(private readonly contract: Contract) {
    this.#validator = new MessageValidator(contract);
    this.#readMasks = new Map(contract.methods.map((method) => [method, ReadMask.of(method)]));
  }

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const [first, , third] = execution.getArgs<[unknown, unknown, Call | undefined]>();
    const call = third ?? (first as Call);
    const method = this.contract.method(call.getPath());
    if (!method) throw new AppError('UNIMPLEMENTED', 'METHOD_UNKNOWN', 'There is no such method.');
    const context = readCallMetadata(call.metadata);
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
  if (!caller) throw new AppError('UNAUTHENTICATED', 'UNAUTHENTICATED', 'A credential is needed.');
  const permission = policy.internal ? internalPermission : policy.permission;
  if (!caller.permissions.includes(permission)) throw permissionMissing(permission);
}
