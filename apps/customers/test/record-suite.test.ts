import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import { afterAll, beforeAll } from 'vitest';
import { customers } from '../src/domain/customers/customers.js';
import { deals } from '../src/domain/deals/deals.js';
import { newKeys, type Keys } from './databases.js';
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

let service: RunningCustomers;
let keys: Keys;

// A service of its own: it loses its connections, and has keys.
beforeAll(async () => {
  keys = await newKeys();
  service = await RunningCustomers.start({ keys, encryptionStalenessMs: 20 });
});
afterAll(() => service.stop());

for (const subject of [ofCustomers, ofDeals]) {
  recordSuite(() => service, subject);
  recordFiles(() => service, subject);
  recordPersons(
    () => service,
    () => keys,
    subject,
  );
}
