/** What was done to a record. */
export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'UNDELETE' | 'MERGE' | 'GAP';

/** A row of the log as pg gives it. */
export interface ChangeRow {
  position: string;
  tenant_id: string;
  id: string;
  type: string;
  record_id: string;
  version: number;
  operation: Operation;
  time_ms: number;
  changed_fields: string[] | null;
  before: string | null;
  after: string | null;
  actor: string;
  origin: string;
  request_id: string | null;
  causation_id: string | null;
  hop: number;
  /** Where the trace of its write goes on. */
  traceparent: string | null;
  /** Of a read with values: whether it ended here for their size, and there are more. */
  is_cut?: boolean | null;
}

/** One change of the log. */
export interface ChangeEntry extends Omit<ChangeRow, 'position' | 'is_cut'> {
  /** Below 2^53: the number of its partition, from 0, times 2^32, and its place in that. */
  position: number;
}

/** For `select`: the columns of a ChangeRow, the values as JSON text. */
export const changeColumns = `position, tenant_id, id, type, record_id, version, operation,
  (extract(epoch from time) * 1000)::double precision as time_ms, changed_fields, before::text as before,
  after::text as after, actor, origin, request_id, causation_id, hop, traceparent`;

export function entryOf(row: ChangeRow): ChangeEntry {
  return { ...row, position: Number(row.position), time_ms: Number(row.time_ms) };
}

/** About how many characters of memory a change takes. */
export function charsOf({ before, after }: ChangeEntry): number {
  return 300 + (before?.length ?? 0) + (after?.length ?? 0);
}
