import type { EntityManager } from '@mikro-orm/postgresql';
import { findEntries, type AuditFilter } from './list-audit.js';

const batchSize = 100;

/**
 * The entries that were there when it began and meet the filter, the oldest first, as NDJSON: one `AuditEntry` a line. Who
 * has all of them can verify the chain without us: see docs/audit.md.
 */
export async function* exportAudit(
  em: EntityManager,
  tenantId: string,
  filter: AuditFilter,
): AsyncGenerator<string, void> {
  const [newest] = await findEntries(em, tenantId, {}, 'true order by number desc limit 1', []);
  let after = 0;
  for (;;) {
    const values = [after, newest?.number ?? 0, batchSize];
    const entries = await findEntries(
      em,
      tenantId,
      filter,
      'number > $2 and number <= $3 order by number limit $4',
      values,
    );
    const last = entries.at(-1);
    if (!last) return;
    yield entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
    after = last.number;
  }
}
