import type { ClientBase } from 'pg';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import type { Expressions } from '../interpreter/expressions.js';
import type { ListenInterest } from '../interpreter/listen-steps.js';
import type { StartValues } from './new-run.js';
import { noteEvents } from './note-events.js';
import { openContent } from './run-content.js';
import { insertWaits, lockSignals, takeEarlierSignals, waitRows, type SignalContent, type WaitRow } from './waits.js';

/** The signals that rows wait for. */
export function signalsOf(rows: readonly WaitRow[]): { name: string; hash: string }[] {
  return rows.flatMap(({ signal, correlation_hash: hash }) =>
    signal === null || hash === null ? [] : [{ name: signal, hash }],
  );
}

/**
 * Makes events of the signals that were sent since a time, and that a run waits for. The signals are locked: later ones
 * find the waits.
 */
export async function noteEarlierSignals(
  client: ClientBase,
  envelope: SecretEnvelope,
  { tenantId, runId }: { tenantId: string; runId: string },
  since: string,
): Promise<void> {
  const earlier = await takeEarlierSignals(client, { tenantId, runId }, since);
  const events = earlier.map(({ target, eventKey, id, sealed, time }) => {
    const { data } = openContent<SignalContent>(envelope, { tenantId, part: 'flow_signal', id }, sealed);
    return { tenantId, runId, target, eventKey, eventId: id, time, data };
  });
  await noteEvents(client, envelope, events);
}

/** Stores what steps `listen` wait for that count events since they begin. */
export async function startOpenedListens(
  client: ClientBase,
  envelope: SecretEnvelope,
  { tenantId, runId, now }: { tenantId: string; runId: string; now: Date },
  start: {
    interests: readonly ListenInterest[];
    values: StartValues;
    recordId: string | undefined;
    expressions: Expressions;
  },
): Promise<void> {
  const rows = waitRows(start.interests, start.expressions, start);
  const since = now.toISOString();
  const signals = signalsOf(rows);
  await lockSignals(client, tenantId, signals);
  await insertWaits(client, { tenantId, runId, since }, rows);
  if (signals.length > 0) await noteEarlierSignals(client, envelope, { tenantId, runId }, since);
}
