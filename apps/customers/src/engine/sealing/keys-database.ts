import { CreateKeys } from './create-keys.migration.js';
import { SubjectKey, TenantKey } from './key.entity.js';

/** Everything in the database of keys. */
export const keysEntities = [TenantKey, SubjectKey];

/** How it came to be, oldest first. */
export const keysMigrations = [CreateKeys];
