import { createHash } from 'node:crypto';
import { ExpressionError } from '@rapport/contracts/expressions';
import type { ClientBase } from 'pg';
import type { Expressions } from '../interpreter/expressions.js';
import type { ListenInterest } from '../interpreter/listen-steps.js';
import type { JsonObject } from '../effects/effect-port.js';
import type { StartValues } from './new-run.js';

/** What is sealed of a signal. */
export interface SignalContent {
  correlation: string;
  data: JsonObject;
}

/** A row of flow_wait. */
export interface WaitRow {
  step_key: string;
  event_key: string;
  kind: 'CHANGE' | 'SIGNAL';
  record_type: string | null;
  record_id: string | null;
  match: string | null;
  signal: string | null;
  /** In hexadecimal. */
  correlation_hash: string | null;
}

/** The rows for events of steps `listen`. An event whose record or correlation has no value is never met. */
export function waitRows(
  interests: readonly ListenInterest[],
  expressions: Expressions,
  start: { values: StartValues; recordId: string | undefined },
): WaitRow[] {
  const { record, input, change } = start.values;
  const text = (expression: string): string | undefined => {
    try {
      const value = expressions.value(expression, { record, input, change });
      return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
    } catch (error) {
      if (error instanceof ExpressionError) return undefined;
      throw error;
    }
  };
  return interests.flatMap(({ stepKey, event }): WaitRow[] => {
    const { key, type, recordId, match, signal, correlation } = event;
    const none = { record_type: null, record_id: null, match: null, signal: null, correlation_hash: null };
    const row = { step_key: stepKey, event_key: key, ...none };
    if (signal !== undefined) {
      const value = correlation === undefined ? start.recordId : text(correlation);
      const hash = value === undefined ? undefined : correlationHash(value).toString('hex');
      return hash === undefined ? [] : [{ ...row, kind: 'SIGNAL', signal, correlation_hash: hash }];
    }
    const id = recordId === undefined ? null : text(recordId);
    if (id === undefined || type === undefined) return [];
    return [
      { ...row, kind: 'CHANGE', record_type: type.split('/', 1)[0] ?? type, record_id: id, match: match ?? null },
    ];
  });
}

/** Correlations may be personal data, so only their hashes are compared. */
export function correlationHash(correlation: string): Buffer {
  return createHash('sha256').update(correlation).digest();
}

/** Stores waits, since a time: `-infinity` where the position of the change log decides. */
export async function insertWaits(
  client: ClientBase,
  { tenantId, runId, since }: { tenantId: string; runId: string; since: string },
  rows: readonly WaitRow[],
): Promise<void> {
  if (rows.length === 0) return;
  await client.query({
    name: 'insert_flow_waits',
    text: `insert into flow_wait (tenant_id, run_id, step_key, event_key, kind, record_type, record_id, match, signal,
        correlation_hash, since_time)
      select $1, $2, step_key, event_key, kind, record_type, record_id, match, signal,
        decode(correlation_hash, 'hex'), $3
      from jsonb_to_recordset($4) as wanted (step_key text, event_key text, kind text, record_type text,
        record_id text, match text, signal text, correlation_hash text)
      on conflict do nothing`,
    values: [tenantId, runId, since, JSON.stringify(rows)],
  });
}

/** Serializes a signal with the waits for it, so that it finds them or they find it. Locks are taken in one order. */
export async function lockSignals(
  client: ClientBase,
  tenantId: string,
  signals: readonly { name: string; hash: string }[],
): Promise<void> {
  const names = [...new Set(signals.map(({ name, hash }) => `flow_signal ${tenantId} ${name} ${hash}`))].sort();
  for (const name of names) await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [name]);
}

/** Makes events of the signals since a time that stored waits of a run are for. A time before the run is that of its cause. */
export async function takeEarlierSignals(
  client: ClientBase,
  run: { tenantId: string; runId: string },
  since: string,
): Promise<{ target: string; eventKey: string; id: string; sealed: Buffer; time: string }[]> {
  const { rows } = await client.query<{ target: string; eventKey: string; id: string; sealed: Buffer; time: string }>({
    name: 'earlier_flow_signals',
    text: `select wait.step_key as target, wait.event_key as "eventKey", signal.id, signal.sealed_data as sealed,
        signal.create_time as time
      from flow_wait wait join flow_signal signal on signal.tenant_id = wait.tenant_id and signal.name = wait.signal
        and signal.correlation_hash = wait.correlation_hash and signal.create_time >= $3
      where wait.tenant_id = $1 and wait.run_id = $2 and wait.kind = 'SIGNAL'
      order by signal.create_time, signal.id limit 100`,
    values: [run.tenantId, run.runId, since],
  });
  return rows.map((row) => ({ ...row, time: new Date(row.time).toISOString() }));
}
