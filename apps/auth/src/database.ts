import { ApiKey } from './api-key.entity.js';
import { AddTenantPlan } from './migrations/add-tenant-plan.js';
import { CreateTenantAndApiKey } from './migrations/create-tenant-and-api-key.js';
import { Tenant } from './tenant.entity.js';

/** Everything in auth's database. */
export const entities = [Tenant, ApiKey];

/** How it came to be, oldest first. */
export const migrations = [CreateTenantAndApiKey, AddTenantPlan];
