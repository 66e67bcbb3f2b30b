import type { EntityManager } from '@mikro-orm/postgresql';
import type { FlowSignal } from '@rapport/contracts/rapport/flows/v1/flow_runs_service';
import { recordAuditEvent } from '@rapport/persistence';
import { currentCaller, invalidArgument } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import type { JsonObject } from '../effects/effect-port.js';
import { noteEvents } from '../runs/note-events.js';
import { sealContent } from '../runs/run-content.js';
import { correlationHash, lockSignals } from '../runs/waits.js';
import { transactionClient } from './transaction-client.js';

/** Handles SendFlowSignal. It runs in a transaction. */
export async function sendSignal(
  em: EntityManager,
  envelope: SecretEnvelope,
  wanted: FlowSignal | undefined,
): Promise<FlowSignal> {
  if (!wanted) throw invalidArgument([{ field: 'flowSignal', reason: 'REQUIRED', description: 'is required' }]);
  const { tenantId, principalId } = currentCaller();
  const { name, correlation } = wanted;
  const client = await transactionClient(em);
  const hash = correlationHash(correlation);
  // Runs that start or reach a step at the same time find the signal, or it finds their waits.
  await lockSignals(client, tenantId, [{ name, hash: hash.toString('hex') }]);
  const id = uuidv7();
  const createTime = new Date().toISOString();
  const data = (wanted.data ?? {}) as JsonObject;
  const { rows } = await client.query<{ runId: string; target: string; eventKey: string }>({
    name: 'flow_waits_for_signal',
    text: `select run_id as "runId", step_key as target, event_key as "eventKey" from flow_wait
      where tenant_id = $1 and kind = 'SIGNAL' and signal = $2 and correlation_hash = $3
      order by run_id, step_key, event_key`,
    values: [tenantId, name, hash],
  });
  const events = rows.map((row) => ({ ...row, tenantId, eventId: id, time: createTime, data }));
  const due = await noteEvents(client, envelope, events);
  const sealed = sealContent(envelope, { tenantId, part: 'flow_signal', id }, { correlation, data });
  await client.query({
    name: 'insert_flow_signal',
    text: `with noted as (insert into flow_run_tenant (tenant_id) values ($1) on conflict do nothing)
      insert into flow_signal (tenant_id, id, name, correlation_hash, sealed_data, receivers, sent_by, create_time)
      values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    values: [tenantId, id, name, hash, sealed, due.length, principalId, createTime],
  });
  await recordAuditEvent(em, { kind: 'FLOW_SIGNAL_SENT', records: [], detail: { id, name } });
  return { ...wanted, id, receivers: due.length, createTime };
}
