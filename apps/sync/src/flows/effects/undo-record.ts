import { AssociationsServiceService } from '@rapport/contracts/rapport/customers/v1/associations_service';
import { EffectError, type EffectCall, type JsonObject } from './effect-port.js';
import type { RecordCalls } from './record-calls.js';
import { isCode, isReason } from './record-calls.js';
import { areEqual, fieldValue, recordOf, requestIdOf, textIn, writableValues } from './record-values.js';
import { jsonMethod, stepType, type JsonMethod, type StepType } from './record-methods.js';

/** Attempts of a change while others change the same record. */
const maxAttempts = 5;

const deleteAssociation = jsonMethod(AssociationsServiceService.deleteAssociation.path);

/**
 * Undoes a step about a record, unless one of its values has changed since: a later step of the run that changed it has been undone
 * before.
 */
export class RecordUndo {
  readonly #key: { requestId: string };

  constructor(
    private readonly calls: RecordCalls,
    private readonly call: EffectCall,
    private readonly undo: JsonObject,
    private readonly signal: AbortSignal,
  ) {
    this.#key = { requestId: requestIdOf(`${call.effectKey}/undo`) };
  }

  /** @throws AppError; EffectError FINAL CHANGED_SINCE or NOT_UNDOABLE */
  async perform(): Promise<void> {
    switch (this.undo['kind']) {
      case 'REMOVE':
        return this.#untilCurrent((record) => this.#remove(record));
      case 'RESTORE':
        return this.#untilCurrent((record) => this.#restore(record));
      case 'UNDELETE':
        return this.#undelete();
      case 'UNLINK':
        return this.#unlink();
      case 'NONE':
        return undefined;
      default:
        throw new EffectError('NOT_UNDOABLE', 'The effect of this step can not be undone.', 'FINAL');
    }
  }

  /** Runs a write on the current record, again when another one came first. */
  async #untilCurrent(write: (record: JsonObject | undefined) => Promise<unknown>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await write(await this.#present());
        return;
      } catch (error) {
        // An earlier attempt has undone it.
        if (isReason(error, 'IDEMPOTENCY_ANSWER_ERASED')) return;
        if (!isReason(error, 'ETAG_MISMATCH') || attempt === maxAttempts) throw refusal(error);
        this.signal.throwIfAborted();
      }
    }
  }

  async #remove(record: JsonObject | undefined): Promise<void> {
    if (!record) return;
    const type = this.#type();
    if (!areEqual(writableValues(type, record), this.#values('after'))) throw changedSince();
    await this.#ask(type.method('delete'), { ...this.#named(type), etag: record['etag'] ?? null, ...this.#key });
  }

  async #restore(record: JsonObject | undefined): Promise<void> {
    if (!record) throw changedSince();
    const [before, after] = [this.#values('before'), this.#values('after')];
    const current = Object.fromEntries(Object.keys(after).map((name) => [name, fieldValue(record, name)]));
    if (areEqual(current, before)) return;
    if (!areEqual(current, after)) throw changedSince();
    const type = this.#type();
    const written = { [type.contract.singular]: recordOf(before), etag: record['etag'] ?? null };
    await this.#ask(type.method('update'), { ...this.#named(type), ...written, ...this.#key });
  }

  async #undelete(): Promise<void> {
    const type = this.#type();
    try {
      await this.#ask(type.method('undelete'), { ...this.#named(type), ...this.#key });
    } catch (error) {
      if (await this.#present()) return;
      throw refusal(error);
    }
  }

  async #unlink(): Promise<void> {
    const { id = null, etag = null } = this.undo;
    try {
      await this.#ask(deleteAssociation, { id, etag });
    } catch (error) {
      if (isCode(error, 'NOT_FOUND')) return;
      throw isReason(error, 'ETAG_MISMATCH') ? changedSince() : refusal(error);
    }
  }

  async #present(): Promise<JsonObject | undefined> {
    const type = this.#type();
    try {
      return await this.#ask(type.method('get'), this.#named(type));
    } catch (error) {
      if (isCode(error, 'NOT_FOUND')) return undefined;
      throw error;
    }
  }

  #type(): StepType {
    return stepType(textIn(this.undo, 'type'));
  }

  #named(type: StepType): JsonObject {
    return { id: this.undo['id'] ?? null, ...type.parent };
  }

  #values(name: 'before' | 'after'): JsonObject {
    return this.undo[name] as JsonObject;
  }

  #ask(method: JsonMethod, request: JsonObject): Promise<JsonObject> {
    return this.calls.ask(method, request, this.call, this.signal);
  }
}

function changedSince(): EffectError {
  return new EffectError('CHANGED_SINCE', 'The record has been changed since, and stays as it is.', 'FINAL');
}

/** Customers refuses the state before, such as a stage that the deal can not return to. */
function refusal(error: unknown): unknown {
  if (!isCode(error, 'INVALID_ARGUMENT', 'FAILED_PRECONDITION', 'ALREADY_EXISTS', 'NOT_FOUND', 'PERMISSION_DENIED')) {
    return error;
  }
  const details = error.violations.map(({ field, description }) => `${field} ${description}`).join('; ');
  return new EffectError('NOT_UNDOABLE', `${error.message} ${details}`.trim(), 'FINAL');
}
