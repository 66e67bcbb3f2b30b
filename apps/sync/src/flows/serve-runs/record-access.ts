import { currentCaller, permissionMissing, type Caller } from '@rapport/platform';
import type { JsonObject } from '../effects/effect-port.js';
import { isCode, type RecordCalls } from '../effects/record-calls.js';
import { stepType } from '../effects/record-methods.js';
import { recordTypeNamed } from '../definitions/variables.js';

/** Maximum duration of reading a record, in milliseconds. */
const readMs = 10_000;

/** A row of a run, a decision or an approval, with the record that it is about, if any. */
interface RowOfRecord {
  record_type: string | null;
  record_id: string | null;
}

/** What a caller can read of the records that runs are about. */
export class RecordAccess {
  constructor(private readonly calls: RecordCalls) {}

  /**
   * Finds out which of the rows have a record that the caller can read, or none. A caller without limits can also read a
   * deleted record: the run is what is left of it.
   */
  async among(rows: readonly RowOfRecord[]): Promise<(row: RowOfRecord) => boolean> {
    const caller = currentCaller();
    const records = new Map(rows.flatMap((row) => recordOf(row) ?? []).map((record) => [nameOf(record), record]));
    const checked = [...records].map(async ([name, record]) =>
      (await this.#isReadable(caller, record)) ? [name] : [],
    );
    const readable = new Set((await Promise.all(checked)).flat());
    return (row) => {
      const record = recordOf(row);
      return record === undefined || readable.has(nameOf(record));
    };
  }

  async #isReadable(caller: Caller, record: { type: string; id: string }): Promise<boolean> {
    const seesAll = (caller.recordScope ?? 'ALL') === 'ALL';
    // The feed has records without a type of their own here, such as definitions of fields.
    if (!recordTypeNamed(record.type)) return seesAll;
    return hasPermission(caller, record.type) && (seesAll || (await this.#find(caller, record)) !== undefined);
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

/** The record of a row. */
export function recordOf({ record_type: type, record_id: id }: RowOfRecord): { type: string; id: string } | undefined {
  return type === null || id === null ? undefined : { type, id };
}

function nameOf({ type, id }: { type: string; id: string }): string {
  return `${type}/${id}`;
}

function permissionOf(type: string): string {
  return `${stepType(type).contract.permission}.read`;
}

function hasPermission({ permissions }: Caller, type: string): boolean {
  return permissions.includes(permissionOf(type));
}
