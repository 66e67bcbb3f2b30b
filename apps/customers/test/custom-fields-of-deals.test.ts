import { CustomField_Type as Type } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import { StageKind } from '@rapport/contracts/rapport/sales/v1/pipeline';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { fieldOf } from './custom-field-requests.js';
import { newKeys } from './databases.js';
import { EncryptedTenant } from './encrypted-tenant.js';
import { person, RunningCustomers } from './running-customers.js';
import { SalesTenant, stage } from './sales-tenant.js';

let service: RunningCustomers;
let tenant: SalesTenant;
let deal: Deal;

beforeAll(async () => {
  service = await RunningCustomers.start({ keys: await newKeys(), encryptionStalenessMs: 20 });
}, 120_000);
afterAll(() => service.stop());
beforeEach(async () => {
  tenant = new SalesTenant(service);
  const customField = fieldOf({ recordType: 'deal', key: 'plan', type: Type.TEXT });
  await service.call('createCustomField', { customField }, tenant.caller);
  const { id: customerId } = await service.create(tenant.caller, person());
  deal = await tenant.createDeal(await tenant.createPipeline(), { customerId, customFields: { plan: 'gold' } });
});

const found = () => tenant.deals('custom_fields.plan = gold');

test('a deal moved by a merge is still found by its custom fields', async () => {
  const stays = await service.create(tenant.caller, person());
  const merge = { mergedId: deal.customerId ?? '', mergedEtag: undefined, preferMerged: [] };

  await service.call('mergeCustomers', { id: stays.id, merge }, tenant.caller);

  expect(await tenant.deals(`customer_id = ${stays.id}`)).toEqual(['A deal']);
  expect(await found()).toEqual(['A deal']);
});

test('a deal whose customer is erased is still found by its custom fields', async () => {
  const request = { id: deal.customerId ?? '', erasure: { reason: 'case 4711' } };

  await service.call('eraseCustomer', request, tenant.caller);

  expect(await found()).toHaveLength(1);
});

test('a deal created before encryption was enabled is still found by its custom fields', async () => {
  await new EncryptedTenant(service, tenant.caller).encrypt();

  expect(await found()).toEqual(['A deal']);
});

test('in an encrypted workspace, a merged deal gives its values to another one, and gets them back', async () => {
  const other = await tenant.createDeal(await tenant.createPipeline());
  await new EncryptedTenant(service, tenant.caller).encrypt();
  const { customerId, customFields } = deal;

  const merged = await service.call('mergeDeals', { id: other.id, merge: { mergedId: deal.id } }, tenant.caller);
  expect(merged.deal).toMatchObject({ title: 'A deal', customerId, customFields });
  expect(await found()).toEqual(['A deal']);

  const undone = await service.call('undoDealMerge', { id: deal.id }, tenant.caller);
  expect(undone).toMatchObject({
    keptFields: [],
    deal: { id: other.id, customerId: undefined, customFields: undefined },
    merged: { id: deal.id, title: 'A deal', customerId, customFields },
  });
});

test('a guard accepts 0 in a custom field, and rejects a missing field named like a property of Object.prototype', async () => {
  const customField = fieldOf({ recordType: 'deal', key: 'discount', type: Type.NUMBER });
  await service.call('createCustomField', { customField }, tenant.caller);
  const guarded = (key: string) => stage(key, StageKind.OPEN, [`customFields.${key}`]);
  const stages = [stage('new', StageKind.OPEN), guarded('discount'), guarded('constructor')];
  const created = await tenant.createDeal(await tenant.createPipeline({ stages }));

  const customFields = { discount: 0 };
  expect(await tenant.updateDeal(created.id, { stage: 'discount', customFields })).toMatchObject({ customFields });
  await expect(tenant.updateDeal(created.id, { stage: 'constructor' })).rejects.toMatchObject({
    violations: [{ field: 'deal.customFields.constructor', reason: 'REQUIRED' }],
  });
});
