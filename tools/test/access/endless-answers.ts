import { queryDatabase, type SharedPlatform } from '@rapport/testing';
import type { Ids } from './make-each.ts';

/**
 * A file is sent in chunks of this many records, and rights are checked at each chunk. Here a chunk has some megabytes,
 * more than the buffers of an unread connection, and each file has several.
 */
const customers = { count: 24, chars: 1_000_000 };
const auditEntries = { count: 4 * 100, chars: 60_000 };
const issues = { count: 4 * 1_000, chars: 6_000 };
const files = { count: 24, bytes: 1_000_000 };
const matches = { count: 4 * 1_000, chars: 6_000 };

const filler = (chars: number) => `repeat('x', ${chars})`;

/** Makes the files and watches of a tenant endless. */
export async function makeAnswersEndless(
  { customersDatabase }: SharedPlatform,
  tenantId: string,
  ids: Ids,
): Promise<void> {
  // Writes of this session are not logged as changes.
  const inDatabase = async (name: string, ...statements: string[]) => {
    const url = new URL(customersDatabase.superuserUrl);
    url.pathname = name;
    await queryDatabase(url.href, ['set session_replication_role = replica', ...statements].join(';'));
  };
  // The subselect makes each copy once, and not once for each of its columns.
  const copies = (table: string, id = '') => `insert into ${table} select (copy).* from (
      select jsonb_populate_record(${table}, jsonb_build_object('id', gen_random_uuid(), 'source', ${filler(customers.chars)})) as copy
      from ${table}, generate_series(1, ${customers.count}) where tenant_id = '${tenantId}' and id = '${id}' offset 0) copies`;
  const entries = `select append_audit_entries(array_agg(jsonb_populate_record(entry, jsonb_build_object(
      'detail', json_build_object('filler', ${filler(auditEntries.chars)})::text))))
    from audit_entry entry, generate_series(1, ${auditEntries.count})
    where tenant_id = '${tenantId}' and number = 1`;
  await inDatabase(
    'customers',
    copies('customer', ids['customers']),
    copies('consent', ids['consents']),
    `insert into operation_issue (tenant_id, operation_id, number, severity, line, reason, message)
      select '${tenantId}', '${ids['operations']}', number, 'NOTICE', 0, 'FILLER', ${filler(issues.chars)}
      from generate_series(1, ${issues.count}) number`,
    `insert into file_piece (tenant_id, content_id, start, data)
      select tenant_id, content_id, size_bytes + number * ${files.bytes}, convert_to(${filler(files.bytes)}, 'UTF8')
      from file_content, generate_series(0, ${files.count - 1}) number where tenant_id = '${tenantId}'`,
    ...['file_content', 'file'].map(
      (table) =>
        `update ${table} set size_bytes = size_bytes + ${files.count * files.bytes} where tenant_id = '${tenantId}'`,
    ),
    `insert into workspace_piece (tenant_id, operation_id, start, data)
      select tenant_id, operation_id, start + octet_length(data) + number * ${files.bytes}, convert_to(${filler(files.bytes)}, 'UTF8')
      from (select * from workspace_piece where tenant_id = '${tenantId}' order by start desc limit 1) last,
        generate_series(0, ${files.count - 1}) number`,
    `update operation set rules = rules || jsonb_build_object('sizeBytes', (rules ->> 'sizeBytes')::int + ${files.count * files.bytes})
      where tenant_id = '${tenantId}' and id = '${ids['workspaceExports']}'`,
    entries,
  );
  await inDatabase('auth', entries);
  await inDatabase(
    'sync',
    `update sync_run set state = 'RUNNING',
      pairing = '{"pairs": 0, "questions": 0, "onlyCustomers": 0, "onlyRecords": ${matches.count}}'
      where tenant_id = '${tenantId}' and id = '${ids['syncRuns']}'`,
    `insert into sync_match (tenant_id, run_id, outcome, record_id, reasons)
      select '${tenantId}', '${ids['syncRuns']}', 'ONLY_RECORD', number, array[${filler(matches.chars)}]
      from generate_series(1, ${matches.count}) number`,
  );
}
