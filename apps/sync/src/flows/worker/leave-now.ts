import type { EntityManager } from '@mikro-orm/postgresql';
import { pipeline, settingStatement, withConnection } from '@rapport/persistence';
import { leaveFlow } from '../enrollments/leave-flow.js';
import type { EngineParts } from './engine-parts.js';
import type { EffectOwner } from './perform-effects.js';

/**
 * Ends a run before its effects if its customer has reached the goal of its journey, or has to leave it.
 *
 * @returns whether it has ended
 */
export async function leavesNow(em: EntityManager, parts: EngineParts, owner: EffectOwner): Promise<boolean> {
  const { tenantId, runId, enrollment } = owner;
  const reason = await parts.gate.reasonOf({ ...owner, enrollment });
  if (!reason) return false;
  await withConnection(em, async (client) => {
    await pipeline(client, [{ name: 'begin', sql: 'begin' }, settingStatement({ 'app.tenant_id': tenantId })]);
    await leaveFlow(client, parts, { tenantId, runId, reason });
    await client.query('commit');
  });
  return true;
}
