import { queryDatabase, type SharedPlatform } from '@rapport/testing';

const noCounts = { rows: 0, created: 0, updated: 0, unchanged: 0, joined: 0, failed: 0, issues: 0, undone: 0 };

/**
 * Adds an import of a workspace that waits for its archive: the API creates them only in empty workspaces. @returns its id
 */
export async function addWorkspaceImport({ customersDatabase }: SharedPlatform, tenantId: string): Promise<string> {
  const id = crypto.randomUUID();
  await queryDatabase(
    customersDatabase.superuserUrl,
    `insert into operation (tenant_id, id, kind, state, input, rules, received_bytes, processed_bytes, counts, columns, create_time, created_by)
     values ($1, $2, 'WORKSPACE_IMPORT', 'WAITING', '{}', '{"sizeBytes": 0}', 0, 0, $3, '[]', now(), 'test')`,
    [tenantId, id, JSON.stringify(noCounts)],
  );
  return id;
}
