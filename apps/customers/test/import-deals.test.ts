import { ListMode } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { Operation_State as State, type ImportInput } from '@rapport/contracts/rapport/customers/v1/operations_service';
import { DealStatus, type Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import { StageTransitions, type Pipeline } from '@rapport/contracts/rapport/sales/v1/pipeline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CustomField_Type as Type } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { defineField } from './custom-field-requests.js';
import { OtherWrite } from './other-write.js';
import { OperationTenant } from './operation-tenant.js';
import { company, sharedCustomers } from './running-customers.js';
import { pipeline, SalesTenant } from './sales-tenant.js';

const customers = await sharedCustomers();

let operations: OperationTenant;
let sales: SalesTenant;

beforeEach(async () => {
  operations = await OperationTenant.create(customers);
  sales = new SalesTenant(customers, operations.caller);
});
afterEach(() => operations.close());

async function run(file: string, input: Partial<ImportInput> = {}) {
  const operation = await operations.run(file, { recordType: 'deal', ...input });
  return { ...operation, issues: await issuesOf(operation.id) };
}

async function issuesOf(id: string) {
  const { issues } = await customers.call('listOperationIssues', { id }, operations.caller);
  return issues.map(({ line, reason, field, customerId }) => ({ line, reason, field, recordId: customerId }));
}

function dealOf(id: string): Promise<Deal> {
  return customers.call('getDeal', { id }, sales.caller);
}

/** The stages new, proposal (with an amount), won (and with a day) and lost (with a reason). */
function createPipeline(given: Partial<Pipeline> = {}): Promise<Pipeline> {
  return sales.createPipeline(pipeline(given));
}

test('an operation imports deals whose customers are named by external ids', async () => {
  const { id: pipelineId } = await createPipeline({ externalIds: [{ system: 'erp', value: 'main' }] });
  const { id: customerId } = await customers.create(
    operations.caller,
    company({ externalIds: [{ system: 'erp', value: 'C1' }] }),
  );
  const file =
    'title,pipeline.external_id.erp,stage,amount,close_date,customer.external_id.erp,external_id.erp\n' +
    'First,main,won,12.50 EUR,31.12.2026,C1,D1\nSecond,main,new,,,C2,D2\nThird,other,new,,,,D3\n';

  const operation = await run(file, { language: 'de' });

  expect(operation).toMatchObject({ state: State.SUCCEEDED, counts: { rows: 3, created: 2, failed: 1 } });
  expect(operation.issues).toMatchObject([
    { line: 3, reason: 'CUSTOMER_NOT_FOUND', field: 'customerId' },
    { line: 4, reason: 'PIPELINE_NOT_FOUND', field: 'pipelineId' },
  ]);
  const { deals } = await customers.call('listDeals', { orderBy: 'title' }, sales.caller);
  expect(deals).toMatchObject([
    {
      title: 'First',
      pipelineId,
      customerId,
      status: DealStatus.WON,
      closeDate: '2026-12-31',
      closeTime: deals[0]?.stageTime,
    },
    { title: 'Second', pipelineId, customerId: undefined, status: DealStatus.OPEN },
  ]);
  expect((await sales.entriesOf(deals[0]!)).map(({ stage }) => stage)).toEqual(['won']);
  expect((await run(file, { language: 'de' })).counts).toMatchObject({ rows: 3, unchanged: 2, failed: 1 });
});

test('rows of other systems name pipelines and stages as people do', async () => {
  const { id: pipelineId } = await createPipeline({ name: 'New business' });
  await createPipeline({ name: 'Twice' });
  await createPipeline({ name: 'twice' });
  const file =
    'Deal Name,Pipeline,Deal Stage\nFirst,new BUSINESS,New\nSecond,Renewals,New\nThird,Twice,New\nFourth,New business,Not known\n';

  const operation = await run(file);

  expect(operation).toMatchObject({ state: State.SUCCEEDED, counts: { rows: 4, created: 1, failed: 3 } });
  expect(operation.issues).toMatchObject([
    { line: 3, reason: 'PIPELINE_NOT_FOUND', field: 'pipelineId' },
    { line: 4, reason: 'PIPELINE_NOT_FOUND', field: 'pipelineId' },
    { line: 5, reason: 'STAGE_UNKNOWN', field: 'stage' },
  ]);
  const { deals } = await customers.call('listDeals', {}, sales.caller);
  expect(deals).toMatchObject([{ title: 'First', pipelineId, stage: 'new' }]);
});

test('notes are imported onto the records that they name by unique values', async () => {
  const about = company({ externalIds: [{ system: 'crm', value: '77' }] });
  const { id: companyId } = await customers.create(operations.caller, about);
  const deal = await sales.createDeal(await createPipeline(), { externalIds: [{ system: 'crm', value: '901' }] });
  const file = 'body,related.customer.externalId.crm,Deals\nCalled,77,901\nNobody,78,\n';
  const map = [
    'body=body',
    'related.customer.externalId.crm=related.customer.externalId.crm',
    'Deals=related.deal.externalId.crm',
  ];

  const operation = await run(file, { recordType: 'note', map });

  expect(operation).toMatchObject({ state: State.SUCCEEDED, counts: { rows: 2, created: 2 } });
  expect(operation.issues).toMatchObject([{ line: 3, reason: 'CUSTOMER_NOT_FOUND', field: 'related' }]);
  const { notes } = await customers.call('listNotes', { filter: `related.deal = "${deal.id}"` }, operations.caller);
  expect(notes).toMatchObject([
    {
      body: 'Called',
      customerId: companyId,
      related: [
        { type: 'customer', id: companyId },
        { type: 'deal', id: deal.id },
      ],
    },
  ]);
});

test('a row that violates the stages of its pipeline is refused with field and reason, in a dry run too', async () => {
  const main = await createPipeline({ transitions: StageTransitions.NEXT_ONLY });
  const { id } = await sales.createDeal(main);
  const file = `id,stage,amount\n${id},won,1 EUR\n${id},proposal,\n,proposal,1 EUR\n`;

  for (const dryRun of [true, false]) {
    const operation = await run(file, { dryRun });

    expect(operation).toMatchObject({ counts: { rows: 3, failed: 3 } });
    expect(operation.issues).toMatchObject([
      { line: 2, reason: 'STAGE_TRANSITION', field: 'stage', recordId: id },
      { line: 3, reason: 'REQUIRED', field: 'amount', recordId: id },
      { line: 4, reason: 'REQUIRED' },
    ]);
  }
  expect(await dealOf(id)).toMatchObject({ stage: 'new', etag: '"1"' });
  expect((await run(`id,stage,amount\n${id},proposal,1 EUR\n`)).counts).toMatchObject({ updated: 1 });
  expect(await dealOf(id)).toMatchObject({ stage: 'proposal', amount: { amount: '1', currencyCode: 'EUR' } });
});

test('undo reverts deals by the rules of their stages, and removes created ones with their stage entries', async () => {
  const main = await createPipeline();
  const strict = await createPipeline({ transitions: StageTransitions.NEXT_ONLY });
  const amount = { amount: '5', currencyCode: 'EUR' };
  const free = await sales.createDeal(main, { amount, closeDate: '2026-12-31' });
  const bound = await sales.createDeal(strict, { amount });
  const file = `id,title,pipeline_id,stage\n${free.id},,,won\n${bound.id},,,proposal\n,New,${main.id},new\n`;
  const { id, counts } = await run(file);
  expect(counts).toMatchObject({ created: 1, updated: 2 });

  const undone = await operations.undo(id);

  expect(undone).toMatchObject({ state: State.UNDONE, counts: { undone: 2, issues: 1 } });
  expect(await issuesOf(id)).toMatchObject([{ reason: 'CHANGED_SINCE', recordId: bound.id }]);
  expect(await dealOf(free.id)).toMatchObject({ stage: 'new', status: DealStatus.OPEN, closeTime: undefined });
  expect((await sales.entriesOf(free)).map(({ stage }) => stage)).toEqual(['new', 'won', 'new']);
  expect(await dealOf(bound.id)).toMatchObject({ stage: 'proposal' });
  const { rows } = await operations.database.query<{ stays: string }>('select count(*) as stays from stage_entry');
  expect(rows).toEqual([{ stays: '5' }]);
});

test('an operation requires a known type that the caller can write and that matches its mapping', async () => {
  const narrow = { ...operations.caller, permissions: ['customers.write'] };
  const input = { contentType: 'text/csv', map: [], kind: 0, listMode: ListMode.UNSPECIFIED, recordType: 'deal' };
  const mapping = { map: ['Deal=title'], kind: 0, listMode: 0, recordType: 'deal', key: '', updateTime: undefined };
  await customers.call('saveImportMapping', { key: 'deals', mapping }, sales.caller);

  await expect(operations.createImport({ recordType: 'nothing' })).rejects.toMatchObject({
    violations: [{ field: 'import.recordType', reason: 'RECORD_TYPE_UNKNOWN' }],
  });
  await expect(customers.call('createImport', { import: input }, narrow)).rejects.toMatchObject({
    code: 'PERMISSION_DENIED',
    metadata: { permission: 'deals.write' },
  });
  await expect(operations.createImport({ mapping: 'deals' })).rejects.toMatchObject({
    violations: [{ field: 'import.mapping', reason: 'RECORD_TYPE_DIFFERS' }],
  });
  expect(await operations.createImport({ recordType: 'deal', mapping: 'deals' })).toMatchObject({
    import: { recordType: 'deal' },
  });
  expect((await operations.createImport({ recordType: 'customer' })).import).toMatchObject({ recordType: 'customer' });
  expect((await operations.createImport({})).import?.recordType).toBeUndefined();
});

test('amounts without a currency are in that of their row, or in that of the workspace', async () => {
  const main = await createPipeline();
  const { baseCurrency } = await customers.call('getSettings', {}, sales.caller);
  const file = `title,pipeline_id,stage,Amount,Currency\nFirst,${main.id},new,1200,\nSecond,${main.id},new,80.5,chf\n`;

  expect(await run(file)).toMatchObject({ counts: { created: 2 }, issues: [] });
  const { deals } = await customers.call('listDeals', { orderBy: 'title' }, sales.caller);
  expect(deals.map(({ amount }) => amount)).toEqual([
    { amount: '1200', currencyCode: baseCurrency },
    { amount: '80.5', currencyCode: 'CHF' },
  ]);
});

test('a list of addresses goes by its singular', async () => {
  const file = 'subject,direction,to_addresses,Cc address\nOffer,OUTBOUND,ada@x.example,carl@x.example\n';

  const operation = await run(file, { recordType: 'email' });

  expect(operation).toMatchObject({ counts: { created: 1 }, columns: [{}, {}, {}, { field: 'ccAddress' }] });
  const { emails } = await customers.call('listEmails', {}, sales.caller);
  expect(emails).toMatchObject([{ toAddresses: ['ada@x.example'], ccAddresses: ['carl@x.example'] }]);
});

test('a row that is retried after a conflict is reported once', async () => {
  const main = await createPipeline();
  const { id } = await sales.createDeal(main, { title: 'Mine' });
  const { database, caller } = operations;
  await database.query('begin');
  await database.query(`update deal set external_ids = '[{"system":"erp","value":"D1"}]' where id = $1`, [id]);
  await database.query(
    `insert into deal_key (tenant_id, type, value, deal_id) values ($1, 'EXTERNAL_ID', 'erp/D1', $2)`,
    [caller.tenantId, id],
  );
  const other = new OtherWrite(database);
  const file = `title,pipeline_id,stage,customer.email,external_id.erp\nFirst,${main.id},new,gone@x.example,D1\n`;

  const operation = await operations.start(file, { recordType: 'deal' });
  await other.untilWaiting(1);
  await database.query('commit');

  expect((await operations.untilEnded(operation.id)).counts).toMatchObject({ updated: 1 });
  expect(await issuesOf(operation.id)).toMatchObject([{ line: 2, reason: 'CUSTOMER_NOT_FOUND', field: 'customerId' }]);
});

test('a mapping with a deleted custom field is refused', async () => {
  await defineField(customers, sales.caller, 'plan', Type.TEXT, { recordType: 'deal' });
  const mapping = {
    map: ['Plan=custom_fields.plan'],
    kind: 0,
    listMode: 0,
    recordType: 'deal',
    key: '',
    updateTime: undefined,
  };
  await customers.call('saveImportMapping', { key: 'plans', mapping }, sales.caller);
  await customers.call('deleteCustomField', { key: 'deal.plan' }, sales.caller);

  await expect(operations.createImport({ recordType: 'deal', mapping: 'plans' })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    violations: [{ field: 'import.mapping', reason: 'UNKNOWN_FIELD' }],
  });
});

test('uploading and resuming an import of deals requires the permission to write deals', async () => {
  const main = await createPipeline();
  const { id } = await operations.createImport({ recordType: 'deal' });
  const narrow = { ...operations.caller, permissions: ['customers.read', 'customers.write'] };
  const others = await OperationTenant.create(customers, narrow);
  const denied = { code: 'PERMISSION_DENIED', metadata: { permission: 'deals.write' } };
  const file = `title,pipeline_id,stage\nFirst,${main.id},new\n`;

  await expect(others.upload(id, [file])).rejects.toMatchObject(denied);
  await operations.upload(id, ['stage\n']);
  await operations.untilEnded(id);
  await expect(customers.call('resumeOperation', { id }, narrow)).rejects.toMatchObject(denied);
  await others.close();
});
