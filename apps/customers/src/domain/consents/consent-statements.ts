import type { Statement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { ownCustomers } from '../../engine/query/own-customers.js';
import { consentColumns } from './consent-message.js';

/** Which consents of a customer, and of those that were merged into it, are asked for. */
export interface ConsentQuery {
  customerId: string;
  purpose?: string | undefined;
  /** By its name, such as EMAIL. */
  channel?: string | undefined;
  /** Whether only those are wanted that no newer one of the same purpose and channel replaces. */
  currentOnly: boolean;
  /** Time, as ISO 8601, and id of the one that they come after. */
  after?: readonly (string | null)[];
  limit: number;
}

/** Reads rows of `ConsentRow`, the newest first. */
export function consentsOf({ customerId, purpose, channel, currentOnly, after, limit }: ConsentQuery): Statement {
  const [time = null, id = null] = after ?? [];
  return {
    name: 'consents_of_customer',
    sql: `with recursive ${ownCustomers}, said as (
        select consent.* from own join consent on consent.tenant_id = $1 and consent.customer_id = own.id
        where ($3::text is null or purpose = $3) and ($4::text is null or channel = $4)
      )
      select ${consentColumns} from (
        -- The newest of each purpose and channel has the place 1. To look for a newer one of each takes quadratic time.
        select said.*, row_number() over (partition by purpose, channel order by time desc, said.id desc) as place
        from said) consent
      where ($6::timestamptz is null or (time, consent.id) < ($6, $7::uuid)) and (not $5 or place = 1)
      order by time desc, consent.id desc limit $8`,
    values: [currentCaller().tenantId, customerId, purpose ?? null, channel ?? null, currentOnly, time, id, limit],
  };
}
