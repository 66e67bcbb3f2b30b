import type { EntityManager } from '@mikro-orm/postgresql';
import { filledTables, queryRows, removeTenantRows, tenantTables } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { BulkPace } from '../../engine/pace/bulk-pace.js';
import type { Sections } from './archive/section.js';

/** Settings do not make a workspace filled: no data depends on them, and those of the archive replace them. */
const settingsTable = 'workspace_settings';

/** Tables that an import fills besides those of its sections. */
const filledBeside = ['file_content', 'file_piece', 'file_usage', 'suppression_space', 'campaign_member'];

/** @throws AppError FAILED_PRECONDITION WORKSPACE_NOT_EMPTY that names the existing data of the caller's tenant */
export async function refuseFilled(em: EntityManager, sections: Sections): Promise<void> {
  const names = tablesOf(sections).filter((name) => name !== settingsTable);
  const [row] = await queryRows<{ filled: string[] }>(em, {
    name: 'filled_tables',
    sql: `select array_remove(array[${names
      .map((name) => `case when exists (select from ${name} where tenant_id = $1) then '${name}' end`)
      .join(', ')}], null) as filled`,
    values: [currentCaller().tenantId],
  });
  const filled = row?.filled ?? [];
  if (filled.length === 0) return;
  const message = `Only an empty workspace can be imported into. This one has data, deleted records included: ${filled.join(', ')}.`;
  throw new AppError('FAILED_PRECONDITION', 'WORKSPACE_NOT_EMPTY', message, { metadata: { found: filled.join(',') } });
}

/** Returns the settings of the caller's tenant to their defaults, which an archive without settings has. */
export async function removeSettings(em: EntityManager): Promise<void> {
  await em.execute(`delete from ${settingsTable} where tenant_id = ?`, [currentCaller().tenantId]);
}

/**
 * Removes everything that an import has stored, in short steps. It can be repeated. Receipts of erasures after the start of the import
 * stay.
 */
export async function clearWorkspace(
  em: EntityManager,
  sections: Sections,
  { startTime, signal }: { startTime: Date; signal: AbortSignal },
): Promise<void> {
  const pace = BulkPace.of(em);
  const ofImport = new Set([...tablesOf(sections), ...filledBeside]);
  const isOfImport = (name: string) => ofImport.has(name) || ofImport.has(name.replace(/_(key|order_value)$/, ''));
  const { tenantId } = currentCaller();
  const candidates = (await tenantTables(em)).filter(({ name }) => isOfImport(name));
  const unless = { erasure: `create_time >= '${startTime.toISOString()}'` };
  const removal = { tenantId, signal, limit: 200, unless, step: (work: () => Promise<unknown[]>) => pace.keep(work) };
  // The last round finds that nothing is left, also of what the removal itself has caused.
  for (let removed = 1; removed > 0 && !signal.aborted;) {
    removed = await removeTenantRows(em, await filledTables(em, candidates, tenantId), removal);
  }
}

function tablesOf({ before, after }: Sections): string[] {
  return [...before, ...after].map(({ table }) => table);
}
