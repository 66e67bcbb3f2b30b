import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { queryDatabase, type SharedPlatform } from '@rapport/testing';

/** An empty file for a tenant's connections. */
export async function addPeopleFile({ filesDir }: SharedPlatform, tenantId: string): Promise<void> {
  const folder = join(filesDir, tenantId);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'people.vcf'), '');
}

/** Creates a run of a mapping, a conflict and a webhook, which otherwise only an exchange creates. @returns their ids */
export async function addExchange(
  { customersDatabase }: SharedPlatform,
  tenantId: string,
  mappingId: string,
): Promise<{ runId: string; conflictId: string; hookId: string }> {
  const url = new URL(customersDatabase.superuserUrl);
  url.pathname = 'sync';
  const [runId, linkId, conflictId] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()];
  const hookId = crypto.randomUUID();
  await queryDatabase(
    url.href,
    `with link as (
       insert into sync_link (tenant_id, mapping_id, id, record_id, base) values ($1, $2, $3, 'ada.vcf', '{}') returning id),
     run as (
       insert into sync_run (tenant_id, id, mapping_id, kind, dry_run, allow_mass_delete, state, is_automatic)
       values ($1, $4, $2, 'EXCHANGE', false, false, 'SUCCEEDED', false)),
     hook as (
       insert into hook (tenant_id, id, connection_id, message_id, record_ids, is_wanted, body_bytes, receive_time)
       select $1, $6, connection_id, 'msg_1', '{ada.vcf}', true, 0, now() from mapping where id = $2)
     insert into sync_conflict (tenant_id, id, mapping_id, link_id, kind, message)
     select $1, $5, $2, id, 'FIELDS', 'Both have changed it.' from link`,
    [tenantId, mappingId, linkId, runId, conflictId, hookId],
  );
  return { runId, conflictId, hookId };
}
