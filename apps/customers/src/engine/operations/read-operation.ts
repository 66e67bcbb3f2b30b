import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { found } from './operation-message.js';
import { Operation } from './operation.entity.js';

/**
 * Reads the current state of an operation. Concurrent calls, such as those of watchers, share a connection.
 *
 * @throws AppError NOT_FOUND OPERATION_NOT_FOUND, also for an operation of another tenant
 */
export async function readOperation(em: EntityManager, id: string): Promise<Operation> {
  const { tenantId } = currentCaller();
  const [row] = await readForTenant<Record<string, unknown>>(em, {
    name: 'operation',
    // Names the columns: a prepared `select *` fails once a release has added a column.
    sql: `select ${columns(em)} from operation where tenant_id = $1 and id = $2`,
    values: [tenantId, id],
    isQuick: true,
  });
  return found(row ? em.map(Operation, row) : null);
}

function columns(em: EntityManager): string {
  const { props } = em.getMetadata().get(Operation);
  return props.flatMap(({ fieldNames }) => fieldNames).join(', ');
}
