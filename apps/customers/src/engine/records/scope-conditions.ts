import { ownedBySeen, seenIf } from '@rapport/persistence';

/** What the id of a user or API key, and that of a team, are found in. */
const ofOwners = ownedBySeen('owner_id', 'owner_team_id');

/** For files that nobody can tell the owners of yet. */
const ofNobody = seenIf('false');

/**
 * Which rows of each table are seen by who may see some records only. `sees_customer` tells whether the transaction sees a
 * customer, live or deleted.
 */
export const scopeConditions = {
  customer: ofOwners,
  customer_association: seenIf('(sees_customer(from_customer_id) and sees_customer(to_customer_id))'),
  customer_merge: seenIf('(sees_customer(customer_id) and sees_customer(merged_id))'),
  consent: seenIf('sees_customer(customer_id)'),
  suppression: seenIf('sees_customer(customer_id)'),
  erasure: ofOwners,
  operation: ofNobody,
  operation_issue: ofNobody,
  import_piece: ofNobody,
  import_met: ofNobody,
  import_change: ofNobody,
  import_draft: ofNobody,
  import_draft_key: ofNobody,
} as const;
