import { currentCaller, permissionMissing, type Caller } from '@rapport/platform';
import type { JsonObject } from '../effects/effect-port.js';
import { isCode, type RecordCalls } from '../effects/record-calls.js';
import { stepType } from '../effects/record-methods.js';

/** Maximum duration of reading a record, in milliseconds. */
const readMs = 10_000;

/** What a caller can read of the records that runs are about. */
export class RecordAccess {
  constructor(private readonly calls: RecordCalls) {}

  /**
   * Whether the caller can read the records, by `type/id`. A caller without limits can, also after the record was
   * deleted: then the run is what is left of it.
   */
  async readable(records: readonly { type: string; id: string }[]): Promise<ReadonlySet<string>> {
    const caller = currentCaller();
    const known = new Map(records.map((record) => [nameOf(record), record]));
    const checked = [...known].map(async ([name, record]) => {
      if (!hasPermission(caller, record.type)) return [];
      if ((caller.recordScope ?? 'ALL') === 'ALL') return [name];
      return (await this.#find(caller, record)) ? [name] : [];
    });
    return new Set((await Promise.all(checked)).flat());
  }

  /** Reads a record as the caller. @throws AppError PERMISSION_DENIED, or NOT_FOUND of its type */
  async read(record: { type: string; id: string }): Promise<JsonObject> {
    this.check(record.type);
    return this.#read(currentCaller(), record);
  }

  /** @throws AppError PERMISSION_DENIED for a caller that can read no records of a type */
  check(type: string): void {
    if (!hasPermission(currentCaller(), type)) throw permissionMissing(permissionOf(type));
  }

  async #find(caller: Caller, record: { type: string; id: string }): Promise<JsonObject | undefined> {
    return this.#read(caller, record).catch((error: unknown) => {
      if (isCode(error, 'NOT_FOUND', 'PERMISSION_DENIED')) return undefined;
      throw error;
    });
  }

  #read({ tenantId, principalId }: Caller, { type, id }: { type: string; id: string }): Promise<JsonObject> {
    const { method, parent } = stepType(type);
    const acting = { tenantId, principalId, runId: id, hop: 0 };
    return this.calls.ask(method('get'), { ...parent, id }, acting, AbortSignal.timeout(readMs));
  }
}

export function nameOf({ type, id }: { type: string; id: string }): string {
  return `${type}/${id}`;
}

function permissionOf(type: string): string {
  return `${stepType(type).contract.permission}.read`;
}

function hasPermission({ permissions }: Caller, type: string): boolean {
  return permissions.includes(permissionOf(type));
}
