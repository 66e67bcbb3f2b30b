import { tenantSetting } from './call-variables.js';

// A pooled connection reports a setting that was set once as empty text: `nullif` turns that into no rows instead of an
// error.
const ownRows = `tenant_id = nullif(current_setting('${tenantSetting}', true), '')::uuid`;

/**
 * Spread into every entity of tenant data: row-level security that binds the table's owner too, with one policy for all
 * commands. The table must have a column `tenant_id uuid not null`.
 */
export const tenantIsolation: {
  rowLevelSecurity: 'force';
  policies: { name: string; command: 'all'; using: string; check: string }[];
} = {
  rowLevelSecurity: 'force',
  policies: [{ name: 'tenant_isolation', command: 'all', using: ownRows, check: ownRows }],
};
