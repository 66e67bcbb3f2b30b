// What the seed and the benches use of the service itself. Only `loadSource` imports this file.
export { aggregateCustomers } from '../src/aggregate-customers.js';
export * from '../src/custom-fields/custom-fields.js';
export * from '../src/customer-keys.js';
export * from '../src/customer-message.js';
export { entities, migrations } from '../src/database.js';
export { defaultMinScore, findDuplicatePairs } from '../src/duplicates/find-duplicate-pairs.js';
export { countCustomers } from '../src/list/count-customers.js';
export { conditionsOf } from '../src/list/list-conditions.js';
export { readPage } from '../src/list/read-page.js';
