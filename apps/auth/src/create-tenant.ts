/**
 * Operator command that creates a tenant and its first API key, which has every permission.
 * `create-tenant --display-name "Acme"` prints one line of JSON: `{"tenantId":"…","apiKey":"rpt_live_…"}`.
 * `--plan` is one of the edge's RATE_PLANS, by default "standard". `--workspace acme` is the name with which users sign in;
 * a tenant without one has API keys only. `create-tenant --lines` reads an object with `display-name` and the other options from
 * each line of standard input, and prints a line as soon as each tenant is created.
 */
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { createOrm, tenantSession } from '@rapport/persistence';
import { readEnvironment } from '@rapport/platform';
import { v7 } from 'uuid';
import { createTenantVariables } from './configuration.js';
import { entities } from './storage/database.js';
import { issueApiKey } from './api-keys/issue-api-key.js';
import { knownPermissions } from './access/known-permissions.js';
import { defaultPlan, Tenant } from './storage/tenant.entity.js';
import { Workspace, workspaceName } from './storage/workspace.entity.js';

interface NewTenant {
  'display-name'?: string | undefined;
  plan?: string | undefined;
  workspace?: string | undefined;
}

const { values } = parseArgs({
  options: {
    ...{ 'display-name': { type: 'string' }, plan: { type: 'string' }, workspace: { type: 'string' } },
    lines: { type: 'boolean' },
  },
});
if (!values.lines) check(values);
const config = readEnvironment(createTenantVariables);

const orm = createOrm({ databaseUrl: config.DATABASE_URL, entities });
try {
  if (values.lines) {
    for await (const line of createInterface({ input: process.stdin })) await create(JSON.parse(line) as NewTenant);
  } else {
    await create(values);
  }
} finally {
  await orm.close();
}

async function create(wanted: NewTenant): Promise<void> {
  const { displayName, plan, workspace } = check(wanted);
  const tenantId = v7();
  const em = orm.em.fork({ session: tenantSession(tenantId) });
  em.create(Tenant, { id: tenantId, displayName, createTime: new Date(), plan });
  if (workspace !== undefined) em.create(Workspace, { name: workspace, tenantId });
  const first = { tenantId, displayName: 'First API key', permissions: [...knownPermissions] };
  const { key } = await issueApiKey(em, config.API_KEY_HMAC_KEY, first, 'operator:create-tenant');
  process.stdout.write(`${JSON.stringify({ tenantId, apiKey: key })}\n`);
}

/** @throws Error that describes the invalid option */
function check({ 'display-name': name = '', plan = defaultPlan, workspace }: NewTenant) {
  const displayName = name.trim();
  if (displayName === '' || [...displayName].length > 200) {
    throw new Error('--display-name is required and has 1 to 200 characters.');
  }
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(plan)) throw new Error('--plan must be a name such as "standard".');
  if (workspace !== undefined && !workspaceName.test(workspace)) {
    throw new Error('--workspace must be a name such as "acme": 2 to 63 of a-z, 0-9 and -.');
  }
  return { displayName, plan, workspace };
}
