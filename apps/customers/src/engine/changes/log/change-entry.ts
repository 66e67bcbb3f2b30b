/** The operation of a change. */
export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'UNDELETE' | 'MERGE' | 'GAP';

/** A row of the log as pg returns it. */
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
  /** The `traceparent` of its write. */
  traceparent: string | null;
  /** For a read with values: whether the batch ends here because of its size, and there are more. */
  is_cut?: boolean | null;
}

/** One change of the log. */
export interface ChangeEntry extends Omit<ChangeRow, 'position' | 'is_cut'> {
  /** Below 2^53: the number of its partition, from 0, times 2^32, plus its offset within the partition. */
  position: number;
}

/** Columns of a ChangeRow for `select`, with the values as JSON text. */
export const changeColumns = `position, tenant_id, id, type, record_id, version, operation,
  (extract(epoch from time) * 1000)::double precision as time_ms, changed_fields, before::text as before,
  after::text as after, actor, origin, request_id, causation_id, hop, traceparent`;

export function entryOf(row: ChangeRow): ChangeEntry {
  return { ...row, position: Number(row.position), time_ms: Number(row.time_ms) };
}

/** Approximate memory of a change, in characters. */
export function charsOf({ before, after }: ChangeEntry): number {
  return 300 + (before?.length ?? 0) + (after?.length ?? 0);
}
