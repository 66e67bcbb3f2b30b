import { CreateKeys } from './create-keys.migration.js';
import { SubjectKey, TenantKey } from './key.entity.js';

/** Entities of the key database. */
export const keysEntities = [TenantKey, SubjectKey];

/** Migrations of the key database, oldest first. */
export const keysMigrations = [CreateKeys];
