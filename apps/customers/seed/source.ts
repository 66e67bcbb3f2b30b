// What the seed and the benches use of the service itself. Only `loadSource` imports this file.
export { aggregateCustomers } from '../src/engine/query/aggregate-customers.js';
export * from '../src/engine/fields/custom-fields.js';
export * from '../src/engine/records/customer-keys.js';
export * from '../src/engine/records/customer-message.js';
export { entities, migrations } from '../src/database.js';
export { defaultMinScore, findDuplicatePairs } from '../src/domain/customers/duplicates/find-duplicate-pairs.js';
export { countCustomers } from '../src/engine/query/list/count-customers.js';
export { conditionsOf } from '../src/engine/query/list/list-conditions.js';
export { readPage } from '../src/engine/query/list/read-page.js';
