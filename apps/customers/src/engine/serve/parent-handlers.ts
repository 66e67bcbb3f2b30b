import { allows, currentCaller, invalidArgument, permissionMissing } from '@rapport/platform';
import type { RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';
import { checkParent } from '../records/parents.js';
import { contract } from '../values/contract.js';
import { RecordHandlers, type ServiceParts, type ServiceRules } from './record-handlers.js';

/** Finds the handlers for the parent that a request names. */
export class ParentHandlers<Message extends RecordMessage> {
  constructor(
    private readonly type: RecordType<Message>,
    private readonly rules: ServiceRules<Message>,
    private readonly parts: ServiceParts,
  ) {}

  /**
   * Handles a call.
   *
   * @param verb of the method
   * @throws AppError INVALID_ARGUMENT for a request that names no parent, NOT_FOUND for a parent that is not live, and
   *   PERMISSION_DENIED PERMISSION_MISSING to a caller who lacks the permission for its records
   */
  call(verb: string, request: unknown): Promise<object> | AsyncIterable<object> {
    switch (verb) {
      case 'export':
        return this.#export(request as never);
      case 'import':
        return this.#import(request as AsyncIterable<object>);
      default:
        return this.#unary(verb, request as object);
    }
  }

  async #unary(verb: string, request: object): Promise<object> {
    const handlers = (await this.#of(verb, request)) as unknown as Record<string, (request: object) => Promise<object>>;
    return handlers[verb]!(request);
  }

  async *#export(request: never): AsyncGenerator<object, void> {
    const handlers = await this.#of('export', request);
    yield* handlers.export(request);
  }

  /** The first message of an upload names the parent. */
  async #import(requests: AsyncIterable<object>): Promise<object> {
    const messages = requests[Symbol.asyncIterator]();
    const first = await messages.next();
    const handlers = await this.#of('import', first.done ? {} : first.value);
    return handlers.import(withFirst(first, messages) as never);
  }

  async #of(verb: string, request: object): Promise<RecordHandlers<Message>> {
    const { type, rules, parts } = this;
    const { parent = '' } = type.contract;
    const key = (request as Record<string, string | undefined>)[parent];
    if (!key) throw invalidArgument([{ field: parent, reason: 'REQUIRED', description: 'is required' }]);
    this.#checkMayCall(verb, key);
    const ofParent = type.of(key);
    await checkParent(parts.em, ofParent);
    return new RecordHandlers(ofParent, rules, parts);
  }

  /** The platform has checked the permission for any parent. */
  #checkMayCall(verb: string, key: string): void {
    const { permission = '' } = contract.method(this.type.method(verb).path)?.policy ?? {};
    const needed = permission.replace(`{${this.type.contract.parent}}`, key);
    if (!allows(currentCaller().permissions, needed)) throw permissionMissing(needed);
  }
}

async function* withFirst<Message>(
  first: IteratorResult<Message>,
  messages: AsyncIterator<Message>,
): AsyncGenerator<Message, void> {
  try {
    for (let next = first; !next.done; next = await messages.next()) yield next.value;
  } finally {
    await messages.return?.();
  }
}
