import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import { AppError, currentCaller } from '@rapport/platform';
import { Connection } from './connection.entity.js';

/** @throws AppError NOT_FOUND, also for a connection of another tenant */
export async function findConnection(
  em: EntityManager,
  id: string,
  lockMode: LockMode = LockMode.NONE,
): Promise<Connection> {
  const connection = await em.findOne(Connection, { tenantId: currentCaller().tenantId, id }, { lockMode });
  if (connection) return connection;
  throw new AppError('NOT_FOUND', 'CONNECTION_NOT_FOUND', 'There is no such connection.');
}
