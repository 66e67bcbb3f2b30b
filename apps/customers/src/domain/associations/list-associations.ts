import type { EntityManager } from '@mikro-orm/postgresql';
import type {
  ListAssociationsRequest,
  ListAssociationsResponse,
} from '@rapport/contracts/rapport/customers/v1/associations_service';
import { readPageToken, signPageToken } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { Customer } from '../../engine/records/customers/customer.entity.js';
import type { PageTokenKey } from '../../engine/query/list-records.js';
import { liveRecord } from '../../engine/records/missing-record.js';
import { customerType } from '../../engine/records/customers/customer-type.js';
import { associationMessage } from './association-message.js';
import { Association } from './association.entity.js';

const defaultPageSize = 20;

/** Answers ListAssociations: one page, from the id that the page token holds. */
export async function listAssociations(
  em: EntityManager,
  pageTokenKey: PageTokenKey,
  { customerId, type, pageSize = defaultPageSize, pageToken }: ListAssociationsRequest,
): Promise<ListAssociationsResponse> {
  const { tenantId } = currentCaller();
  const binding = JSON.stringify(['ListAssociations', tenantId, customerId, type ?? null]);
  const [after] = pageToken === undefined ? [] : readPageToken(pageTokenKey.bytes, binding, pageToken);
  await liveRecord(
    em,
    customerType(),
    customerId,
    await em.findOne(Customer, { tenantId, id: customerId, deleteTime: null }),
  );

  // Each direction has an index that is in the order of the list; the row beyond the page tells that there is a next one.
  const direction = (own: string, other: string) => `
    (select link.id from customer_association link
     join customer on customer.tenant_id = link.tenant_id and customer.id = link.${other} and customer.delete_time is null
     where link.tenant_id = ? and link.${own} = ? and link.id > coalesce(?, '00000000-0000-0000-0000-000000000000')::uuid
       and (?::text is null or link.type = ?)
     order by link.id limit ?)`;
  const params = [tenantId, customerId, after ?? null, type ?? null, type ?? null, pageSize + 1];
  const ids = await em.execute<{ id: string }[]>(
    `${direction('from_customer_id', 'to_customer_id')} union all ${direction('to_customer_id', 'from_customer_id')}
     order by id limit ?`,
    [...params, ...params, pageSize + 1],
  );
  const page = ids.slice(0, pageSize).map(({ id }) => id);
  const rows = await em.find(Association, { tenantId, id: { $in: page } }, { orderBy: { id: 'asc' } });
  const last = ids.length > pageSize ? page.at(-1) : undefined;
  return {
    associations: rows.map(associationMessage),
    nextPageToken: last && signPageToken(pageTokenKey.bytes, binding, [last]),
  };
}
