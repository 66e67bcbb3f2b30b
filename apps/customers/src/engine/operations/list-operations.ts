import type { EntityManager } from '@mikro-orm/postgresql';
import type {
  ListOperationsRequest,
  ListOperationsResponse,
} from '@rapport/contracts/rapport/customers/v1/operations_service';
import { type PageTokenKey, readPageToken, signPageToken } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { operationMessages } from './operation-message.js';
import { Operation } from './operation.entity.js';

const defaultPageSize = 20;

/** Handles ListOperations. */
export async function listOperations(
  em: EntityManager,
  pageTokenKey: PageTokenKey,
  { pageSize = defaultPageSize, pageToken }: ListOperationsRequest,
): Promise<ListOperationsResponse> {
  const { tenantId } = currentCaller();
  const binding = JSON.stringify(['ListOperations', tenantId]);
  const [before] = pageToken === undefined ? [] : readPageToken(pageTokenKey, binding, pageToken);
  const rows = await em.find(
    Operation,
    { tenantId, ...(before ? { id: { $lt: before } } : {}) },
    // One more row than the page holds shows whether there is a next page.
    { orderBy: { id: 'desc' }, limit: pageSize + 1 },
  );
  const page = rows.slice(0, pageSize);
  const last = rows.length > pageSize ? page.at(-1) : undefined;
  return {
    operations: await operationMessages(page),
    nextPageToken: last && signPageToken(pageTokenKey, binding, [last.id]),
  };
}
