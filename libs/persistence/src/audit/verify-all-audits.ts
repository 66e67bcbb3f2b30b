import { createOrm, type DatabaseOptions } from '../create-orm.js';
import { tenantSession } from '../tenants/call-variables.js';
import { verifyAudit, type AuditCheck } from './verify-audit.js';

/**
 * The operator's command that verifies the chains of all tenants of a service. It prints one line of JSON for each:
 * `{"tenantId":"…","isSound":true,"entries":42}`, or `{"tenantId":"…","isSound":false,"entries":7,"number":8,
 * "reason":"CHANGED"}` with the first invalid entry.
 *
 * @returns whether all chains are valid
 */
export async function verifyAllAudits(database: DatabaseOptions, check: AuditCheck): Promise<boolean> {
  const orm = createOrm(database);
  try {
    const tenants = await orm.em.fork().execute<{ tenant_id: string }[]>('select audit_tenants() as tenant_id');
    let isSound = true;
    for (const { tenant_id: tenantId } of tenants) {
      const em = orm.em.fork({ session: tenantSession(tenantId) });
      const { end, fault } = await verifyAudit(em, tenantId, check);
      isSound &&= fault === undefined;
      const line = { tenantId, isSound: fault === undefined, entries: end.number, ...fault };
      process.stdout.write(`${JSON.stringify(line)}\n`);
    }
    return isSound;
  } finally {
    await orm.close();
  }
}
