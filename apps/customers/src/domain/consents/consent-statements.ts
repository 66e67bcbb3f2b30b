import type { Statement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { ownCustomers } from '../../engine/query/own-customers.js';
import { consentColumns } from './consent-message.js';

/** Filter of the consents of a customer, and of customers merged into it. */
export interface ConsentQuery {
  customerId: string;
  purpose?: string | undefined;
  /** Name of the channel, such as EMAIL. */
  channel?: string | undefined;
  /** Whether to return only the newest of each purpose and channel. */
  currentOnly: boolean;
  /** Time, as ISO 8601, and id of the last consent of the previous page. */
  after?: readonly (string | null)[];
  limit: number;
}

/** Reads rows of `ConsentRow`, newest first. */
export function consentsOf({ customerId, purpose, channel, currentOnly, after, limit }: ConsentQuery): Statement {
  const [time = null, id = null] = after ?? [];
  return {
    name: 'consents_of_customer',
    sql: `with recursive ${ownCustomers}, said as (
        select consent.* from own join consent on consent.tenant_id = $1 and consent.customer_id = own.id
        where ($3::text is null or purpose = $3) and ($4::text is null or channel = $4)
      )
      select ${consentColumns} from (
        -- The newest of each purpose and channel has rank 1. Searching for a newer one of each row takes quadratic
        -- time.
        select said.*, row_number() over (partition by purpose, channel order by time desc, said.id desc) as place
        from said) consent
      where ($6::timestamptz is null or (time, consent.id) < ($6, $7::uuid)) and (not $5 or place = 1)
      order by time desc, consent.id desc limit $8`,
    values: [currentCaller().tenantId, customerId, purpose ?? null, channel ?? null, currentOnly, time, id, limit],
  };
}
