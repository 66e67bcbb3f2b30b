import { CreateIdempotencyKey, IdempotencyKey } from '@rapport/persistence';
import { Customer, CustomerKey } from './customer.entity.js';
import { CreateCustomer } from './migrations/create-customer.migration.js';

/** Everything in the database of customers. */
export const entities = [IdempotencyKey, Customer, CustomerKey];

/** How it came to be, oldest first. */
export const migrations = [CreateIdempotencyKey, CreateCustomer];
