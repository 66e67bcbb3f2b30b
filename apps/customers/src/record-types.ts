import { LoggedTypes } from './engine/changes/log/logged-types.js';
import { loggedAssociations } from './domain/associations/association-message.js';
import { loggedConsents } from './domain/consents/consent-message.js';
import { loggedCustomFields } from './domain/custom-fields/custom-field-message.js';
import { loggedCustomers } from './domain/customers/logged-customers.js';
import { loggedMerges } from './engine/merge/merge-message.js';
import { loggedSuppressions } from './domain/suppressions/suppression-message.js';

/** The types of records that this process has, as its change log shows them. */
export const loggedTypes = new LoggedTypes([
  loggedCustomers,
  loggedAssociations,
  loggedCustomFields,
  loggedMerges,
  loggedConsents,
  loggedSuppressions,
]);
