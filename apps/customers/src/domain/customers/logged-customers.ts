import { loggedRecord } from '../../engine/changes/log/logged-record.js';
import { customers } from './customers.js';

/** Customers in the change log. */
export const loggedCustomers = loggedRecord(customers, {
  // Erased customers: their receipt is visible to those who saw them.
  alsoSeen: (ids) =>
    `select erased.id from erasure, unnest(customer_ids) erased (id) where customer_ids && ${ids}::text[]`,
  empty: { display_name: '' },
});
