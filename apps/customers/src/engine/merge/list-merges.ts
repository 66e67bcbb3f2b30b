import type { EntityManager } from '@mikro-orm/postgresql';
import type { ListMergesRequest, ListMergesResponse } from '@rapport/contracts/rapport/customers/v1/merges_service';
import { type PageTokenKey, readPageToken, signPageToken } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { findMergeRecords } from './find-merge.js';
import { mergeMessage } from './merge-message.js';

const defaultPageSize = 20;

/** Handles ListMerges: returns the page that starts after the id in the page token. */
export async function listMerges(
  em: EntityManager,
  pageTokenKey: PageTokenKey,
  { customerId, pageSize = defaultPageSize, pageToken }: ListMergesRequest,
): Promise<ListMergesResponse> {
  const { tenantId } = currentCaller();
  const binding = JSON.stringify(['ListMerges', tenantId, customerId ?? null]);
  const [before] = pageToken === undefined ? [] : readPageToken(pageTokenKey, binding, pageToken);
  const rows = await findMergeRecords(
    em,
    {
      tenantId,
      ...(customerId === undefined
        ? {}
        : { $or: [{ customer: [tenantId, customerId] }, { merged: [tenantId, customerId] }] }),
      ...(typeof before === 'string' ? { id: { $lt: before } } : {}),
    },
    // One more row than the page holds shows whether there is a next page.
    { orderBy: { id: 'desc' }, limit: pageSize + 1 },
  );
  const page = rows.slice(0, pageSize);
  const last = rows.length > pageSize ? page.at(-1) : undefined;
  return {
    merges: page.map(mergeMessage),
    nextPageToken: last && signPageToken(pageTokenKey, binding, [last.id]),
  };
}
