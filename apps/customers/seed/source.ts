// The parts of the service that the seed and the benches use. Only `load-source.ts` imports this file.
export { aggregateRecords } from '../src/engine/query/aggregate-records.js';
export * from '../src/engine/fields/custom-fields.js';
export * from '../src/engine/records/record-content.js';
export * from '../src/engine/records/unique-values.js';
export { customers } from '../src/domain/customers/customers.js';
export { entities } from '../src/database.js';
export { migrations } from '../src/migrations.js';
export { defaultMinScore, findDuplicatePairs } from '../src/domain/customers/duplicates/find-duplicate-pairs.js';
export { countRecords } from '../src/engine/query/list/count-records.js';
export { conditionsOf } from '../src/engine/query/list/list-conditions.js';
export { readPage } from '../src/engine/query/list/read-page.js';
