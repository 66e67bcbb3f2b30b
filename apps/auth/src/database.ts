import { ApiKey } from './api-key.entity.js';
import { AddTenantPlan } from './migrations/add-tenant-plan.js';
import { CreateTenantAndApiKey } from './migrations/create-tenant-and-api-key.js';
import { CreateUserAccount } from './migrations/create-user-account.js';
import { Tenant } from './tenant.entity.js';
import { UserAccount } from './users/user-account.entity.js';
import { Workspace } from './workspaces/workspace.entity.js';

/** Everything in auth's database. */
export const entities = [Tenant, ApiKey, UserAccount, Workspace];

/** How it came to be, oldest first. */
export const migrations = [CreateTenantAndApiKey, AddTenantPlan, CreateUserAccount];
