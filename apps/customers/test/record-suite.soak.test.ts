import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import { drawnBy, isSoak, printedSeed, sizeOf } from '@rapport/testing';
import { afterAll, beforeAll } from 'vitest';
import { CustomField_Type } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { objectRecords } from '../src/domain/custom-objects/object-records.js';
import { customers } from '../src/domain/customers/customers.js';
import { deals } from '../src/domain/deals/deals.js';
import { tasks } from '../src/domain/work/tasks.js';
import { newKeys, type Keys } from './databases.js';
import { ObjectTenant } from './object-tenant.js';
import { recordFiles } from './record-files.js';
import { recordPersons } from './record-persons.js';
import { recordSuite } from './record-suite.js';
import type { SuiteSubject } from './record-tenant.js';
import { RunningCustomers } from './running-customers.js';
import { SalesTenant } from './sales-tenant.js';

const ofCustomers: SuiteSubject = {
  type: customers,
  prepare: () => Promise.resolve((number) => ({ kind: CustomerKind.COMPANY, displayName: `Company ${number}` })),
  text: 'displayName',
  other: 'source',
};

const ofDeals: SuiteSubject = {
  type: deals,
  prepare: async (service, caller) => {
    const { id: pipelineId } = await new SalesTenant(service, caller).createPipeline();
    return (number) => ({
      ...{ title: `Deal ${number}`, pipelineId, stage: 'new' },
      ...(number % 3 > 0 && { amount: { amount: String(number), currencyCode: 'EUR' } }),
      ...(number % 2 > 0 && { closeDate: `2026-01-${String((number % 28) + 1).padStart(2, '0')}` }),
    });
  },
  text: 'title',
  other: 'lostReason',
  person: 'customerId',
};

const ofSubscriptions: SuiteSubject = {
  type: objectRecords,
  parentKey: 'subscription',
  prepare: async (service, caller) => {
    const tenant = new ObjectTenant(service, caller);
    await tenant.createObject('subscription');
    const options = ['gold', 'silver'].map((value) => ({ value, displayName: undefined }));
    await tenant.createField('subscription', 'plan', { type: CustomField_Type.SELECT, options });
    await tenant.createField('subscription', 'seats', { type: CustomField_Type.NUMBER });
    return (number) => ({
      name: `Subscription ${number}`,
      customFields: { plan: number % 2 > 0 ? 'gold' : 'silver', ...(number % 3 > 0 && { seats: number }) },
    });
  },
  text: 'name',
  other: 'ownerId',
};

const ofTasks: SuiteSubject = {
  type: tasks,
  prepare: () =>
    Promise.resolve((number) => ({
      ...{ subject: `Task ${number}`, status: 1 + (number % 3), priority: 2 },
      ...(number % 3 > 0 && { dueDate: `2026-01-${String((number % 28) + 1).padStart(2, '0')}` }),
    })),
  text: 'subject',
  other: 'timeZone',
  person: 'customerId',
  about: (id) => ({ related: [{ type: 'customer', id }] }),
};

let service: RunningCustomers;
let keys: Keys;

// A service of its own: it loses its connections, has keys, and imports few rows in several chunks.
beforeAll(async () => {
  keys = await newKeys();
  service = await RunningCustomers.start({ keys, encryptionStalenessMs: 20, bulkLimits: { importChunkRows: 200 } });
});
afterAll(() => service.stop());

const seed = printedSeed('record suite');
const all = [ofCustomers, ofDeals, ofSubscriptions, ofTasks];
/** Two types by the seed, all in the long form. Each type has tests of its own beside these. */
const subjects = drawnBy(seed, all, sizeOf('SUITE_TYPES', { short: 2, long: all.length }));

// First, while there is little in the database: they read all of it.
for (const subject of subjects.filter((each) => each !== ofSubscriptions)) {
  recordPersons(
    () => service,
    () => keys,
    subject,
  );
}
for (const [index, subject] of subjects.entries()) {
  recordSuite(() => service, subject);
  recordFiles(() => service, subject, { withLarge: isSoak || index === 0 });
}
