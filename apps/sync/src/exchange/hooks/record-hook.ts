import type { EntityManager } from '@mikro-orm/postgresql';
import { pipeline, settingStatement, withConnection, type Statement } from '@rapport/persistence';
import { AppError } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import type { WebhookHint } from '../../connectors/connector.js';
import type { JobQueue } from '../../storage/job-queue.js';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { queueAutomaticRuns } from '../runs/run-store.js';
import { notProven, type ProvenHook } from './prove-hook.js';

interface NewHook extends ProvenHook {
  id: string;
  body: Uint8Array;
  records: readonly WebhookHint[];
}

/**
 * Stores a webhook and a hint for each of its records and mapping, whose runs read the records again. Stores nothing if
 * a webhook has the same message id. A concurrent duplicate waits for the first.
 *
 * @throws AppError FAILED_PRECONDITION for a disabled connection, UNAUTHENTICATED for one that was just deleted
 */
export async function recordHook(
  em: EntityManager,
  envelope: SecretEnvelope,
  jobs: JobQueue,
  hook: Omit<NewHook, 'id'>,
): Promise<void> {
  const { tenantId, id: connectionId } = hook.connection;
  const stored = { ...hook, id: uuidv7() };
  await withConnection(em, async (client) => {
    const [, , connection] = await pipeline(client, [
      { name: 'begin', sql: 'begin' },
      settingStatement({ 'app.tenant_id': tenantId }),
      {
        name: 'hold_hook_connection',
        sql: 'select state from connection where tenant_id = $1 and id = $2 for key share',
        values: [tenantId, connectionId],
      },
    ]);
    checkState(connection?.rows[0] as { state: string } | undefined);
    const [, hints] = await pipeline(client, [insertHook(envelope, stored), insertHints(stored)]);
    const mappingIds = new Set((hints?.rows as { mapping_id: string }[]).map(({ mapping_id }) => mapping_id));
    await queueAutomaticRuns(client, jobs, tenantId, [...mappingIds]);
    await client.query('commit');
  });
}

/** Owner of the sealed body. */
export function hookOwner(tenantId: string, id: string): string {
  return `hook/${tenantId}/${id}`;
}

function checkState(connection: { state: string } | undefined): void {
  if (!connection) throw notProven();
  if (connection.state === 'ENABLED') return;
  throw new AppError('FAILED_PRECONDITION', 'CONNECTION_DISABLED', 'The connection is disabled. Send it again later.');
}

/** The enabled mappings of the connection `$3` of the tenant `$1`. Others read all records when they are enabled. */
const wantingMappings = `
  select mapping.id, mapping.record_type from mapping
  join mapping_schedule schedule on schedule.mapping_id = mapping.id
  where mapping.tenant_id = $1 and mapping.connection_id = $3`;

function insertHook(envelope: SecretEnvelope, { connection, messageId, id, body, records }: NewHook): Statement {
  const { tenantId, id: connectionId } = connection;
  return {
    name: 'insert_hook',
    sql: `insert into hook
        (tenant_id, id, connection_id, message_id, record_ids, is_wanted, body_bytes, sealed_body, receive_time)
      select $1, $2, $3, $4, $5, exists (${wantingMappings} and mapping.record_type = any ($6)), $7, $8, clock_timestamp()
      on conflict (tenant_id, connection_id, message_id) do nothing`,
    values: [
      ...[tenantId, id, connectionId, messageId, records.map((record) => record.id)],
      ...[records.map(({ recordType }) => recordType), body.length],
      envelope.seal(Buffer.from(body), hookOwner(tenantId, id)),
    ],
  };
}

/** The hints of a stored webhook, in a fixed order: concurrent writers of the same hints wait and do not deadlock. */
function insertHints({ connection, id, records }: NewHook): Statement {
  return {
    name: 'insert_hook_hints',
    sql: `with wanting as (${wantingMappings} for key share of mapping)
      insert into sync_hint (tenant_id, mapping_id, side, record_id)
      select $1, wanting.id, 'PEER', record.id from unnest($4::text[], $5::text[]) as record (type, id)
      join wanting on wanting.record_type = record.type
      where exists (select from hook where tenant_id = $1 and id = $2)
      order by wanting.id, record.id
      on conflict (tenant_id, mapping_id, side, record_id) do update set mark = gen_random_uuid()
      returning mapping_id`,
    values: [
      ...[connection.tenantId, id, connection.id],
      ...[records.map(({ recordType }) => recordType), records.map((record) => record.id)],
    ],
  };
}
