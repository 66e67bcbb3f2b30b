/**
 * The operator's command that makes a tenant and its first API key, which has every permission.
 * `create-tenant --display-name "Acme"` prints one line of JSON: `{"tenantId":"…","apiKey":"rpt_live_…"}`.
 * `--plan` names one of the edge's RATE_PLANS; "standard" when absent.
 */
import { parseArgs } from 'node:util';
import { createOrm, tenantSession } from '@rapport/persistence';
import { readEnvironment } from '@rapport/platform';
import { v7 } from 'uuid';
import { createTenantVariables } from './configuration.js';
import { entities } from './database.js';
import { issueApiKey } from './issue-api-key.js';
import { knownPermissions } from './permissions.js';
import { defaultPlan, Tenant } from './tenant.entity.js';

const { values } = parseArgs({ options: { 'display-name': { type: 'string' }, plan: { type: 'string' } } });
const displayName = values['display-name']?.trim() ?? '';
if (displayName === '' || [...displayName].length > 200) {
  throw new Error('--display-name is needed, with 1 to 200 characters.');
}
const plan = values.plan ?? defaultPlan;
if (!/^[a-z][a-z0-9-]{0,31}$/.test(plan)) throw new Error('--plan must be a name such as "standard".');
const config = readEnvironment(createTenantVariables);

const orm = createOrm({ databaseUrl: config.DATABASE_URL, entities });
try {
  const tenantId = v7();
  const em = orm.em.fork({ session: tenantSession(tenantId) });
  em.create(Tenant, { id: tenantId, displayName, createTime: new Date(), plan });
  const { key } = issueApiKey(em, config.API_KEY_HMAC_KEY, {
    tenantId,
    displayName: 'first key',
    permissions: [...knownPermissions],
  });
  await em.flush();
  process.stdout.write(`${JSON.stringify({ tenantId, apiKey: key })}\n`);
} finally {
  await orm.close();
}
