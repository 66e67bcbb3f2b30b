import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import { customers } from '../src/domain/customers/customers.js';
import { deals } from '../src/domain/deals/deals.js';
import { recordSuite } from './record-suite.js';
import { SalesTenant } from './sales-tenant.js';

recordSuite({
  type: customers,
  prepare: () => Promise.resolve((number) => ({ kind: CustomerKind.COMPANY, displayName: `Company ${number}` })),
  text: 'displayName',
  other: 'source',
});

recordSuite({
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
});
