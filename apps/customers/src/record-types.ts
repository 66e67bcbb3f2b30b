// The types of records that this process keeps. An import of a type makes it known to the engine.
import { customers } from './domain/customers/customers.js';

export const types = [customers];
