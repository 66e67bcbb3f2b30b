import type { EntityManager } from '@mikro-orm/postgresql';
import { StageKind } from '@rapport/contracts/rapport/sales/v1/pipeline';
import { createOrm, tenantSession } from '@rapport/persistence';
import { callContext, type Caller } from '@rapport/platform';
import { afterAll, expect, test } from 'vitest';
import { entities } from '../src/database.js';
import { RecordSection } from '../src/domain/workspace/archive/record-section.js';
import { recordType } from '../src/engine/fields/record-type.js';
import { PricedTenant } from './priced-tenant.js';
import { newCaller, sharedCustomers } from './running-customers.js';
import { SalesTenant, stage } from './sales-tenant.js';
import { WorkTenant } from './work-tenant.js';

const service = await sharedCustomers();
const orm = createOrm({ databaseUrl: service.urls.appUrl, entities });
afterAll(() => orm.close());

/** Stores the records of a type in another workspace, as an import does. */
async function restore(type: string, from: Caller, to: Caller): Promise<void> {
  const section = new RecordSection(recordType(type));
  const within = <Result>(caller: Caller, work: (em: EntityManager) => Promise<Result>) =>
    callContext.run({ requestId: 'test', caller }, () =>
      orm.em.fork({ session: tenantSession(caller.tenantId) }).transactional(work),
    );
  const rows = await within(from, (em) => em.execute<object[]>(section.select, [from.tenantId]));
  const lines = await section.linesOf(rows);
  await within(to, (em) => section.insert(em, lines, { isFirst: true, isLast: false }));
}

test('a restored task reminds at the time that it was to remind', async () => {
  const [source, copy] = [new WorkTenant(service), new WorkTenant(service)];
  const { id, createTime = '' } = await source.createTask();
  // After its creation, however long that took: a task does not remind of what was before it.
  const time = new Date(Date.parse(createTime) + 400).toISOString();
  await source.updateTask(id, { reminders: [{ beforeSeconds: undefined, time }] });

  await restore('rapport/Task', source.caller, copy.caller);

  await expect.poll(async () => (await copy.getTask(id)).remindedTime, { timeout: 60_000 }).toBe(time);
});

test('a restored deal has the value that it closed with, whatever the rates are', async () => {
  const [source, copy] = [new SalesTenant(service), newCaller()];
  const pipeline = await source.createPipeline({ stages: [stage('won', StageKind.WON)] });
  const rate = await new PricedTenant(service, source.caller).setRate('EUR/USD', '1.1');
  const { id } = await source.createDeal(pipeline, { stage: 'won', amount: { amount: '100', currencyCode: 'EUR' } });
  await new PricedTenant(service, copy).setRate('EUR/USD', '2');

  await restore('rapport/Pipeline', source.caller, copy);
  await restore('rapport/Deal', source.caller, copy);

  const baseAmount = { amount: '110.00', currencyCode: 'USD' };
  expect(await service.call('getDeal', { id }, copy)).toMatchObject({ baseAmount, baseRates: [{ id: rate.id }] });
  expect(await service.call('getDealValue', { id }, copy)).toMatchObject({ baseAmount, kept: true });
});
