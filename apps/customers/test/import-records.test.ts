import { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { ExportFormat, RecordImportIssue_Severity as Severity } from '@rapport/contracts/rapport/api/v1/records';
import type { EntityManager } from '@mikro-orm/postgresql';
import { currentCaller, type Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportRecords } from '../src/engine/export/export-records.js';
import { importRulesOf } from '../src/engine/import/derived/import-rules-of.js';
import { importRecords } from '../src/engine/import/import-records.js';
import { BulkWork } from '../src/engine/pace/bulk-work.js';
import { newCaller } from './running-customers.js';
import { insertCustomer, newTrial, TrialTable } from './trial-table.js';
import { trialTypeWith } from './trial-type.js';

/** A record type without rules of its own for imports and exports, in a database. */
let table: TrialTable;
let caller: Caller;
const bulk = new BulkWork({});

beforeAll(async () => {
  table = await TrialTable.create();
});
afterAll(() => table.stop());

/** Trials that refuse the title `No`, record status changes, and write to their customers. */
const type = trialTypeWith({
  guard: ({ after }) =>
    after.title === 'No' ? [{ field: 'title', reason: 'TITLE_FORBIDDEN', description: 'must not be No' }] : [],
  stamp: ({ before, after }, now) => (before?.status === after.status ? {} : { stageTime: now }),
  also: (changes) => [
    {
      sql: `update customer set source = $3 where tenant_id = $1 and id = any ($2::uuid[])`,
      values: [
        currentCaller().tenantId,
        changes.flatMap(({ after }) => after.customerId ?? []),
        changes.map(({ before, after }) => `${before?.status ?? '-'}>${after.status}`).join(),
      ],
    },
  ],
});

function inDatabase<Result>(work: (em: EntityManager) => Promise<Result>): Promise<Result> {
  return table.withEntityManager(caller, work);
}

async function exported(em: EntityManager, format: ExportFormat): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const { data } of exportRecords(em, bulk, type, { format, columns: [] })) pieces.push(Buffer.from(data));
  return Buffer.concat(pieces).toString();
}

function imported(em: EntityManager, text: string, { contentType = 'text/csv', map = [] as string[] } = {}) {
  async function* requests() {
    yield { file: HttpBody.create({ contentType, data: Buffer.from(text) }), map };
    yield await Promise.resolve({ file: HttpBody.create({}), map: [] });
  }
  return importRecords(em, bulk, importRulesOf(type), requests());
}

function stored(): Promise<Record<string, unknown>[]> {
  return table.rows(caller, 'select * from trial order by title, id');
}

async function insertKeyed(id: string, key: string, value: string): Promise<void> {
  await insertCustomer(table, caller, id);
  await table.app.query('insert into customer_key (tenant_id, type, value, customer_id) values ($1, $2, $3, $4)', [
    caller.tenantId,
    key,
    value,
    id,
  ]);
}

test.each([
  [ExportFormat.CSV, 'text/csv'],
  [ExportFormat.CSV_SEMICOLON, 'text/csv'],
  [ExportFormat.NDJSON, 'application/x-ndjson'],
])('importing an unchanged export of a type without rules changes nothing (format %i)', async (format, contentType) => {
  caller = newCaller();
  const customerId = v7();
  await table.inSession(caller, () => insertCustomer(table, caller, customerId));
  await table.insert(caller, newTrial({ customerId, externalIds: [{ system: 'erp', value: '1' }], customFields: {} }));
  await table.insert(
    caller,
    newTrial({ title: '=1+1', amount: undefined, accepted: false, customFields: {}, externalIds: [] }),
  );
  const before = await stored();

  const answer = await inDatabase(async (em) => imported(em, await exported(em, format), { contentType }));

  expect(answer).toMatchObject({ rows: 2, unchanged: 2, issues: [] });
  expect(await stored()).toEqual(before);
});

test('CSV has the fields of the contract in its order', async () => {
  caller = newCaller();
  await table.insert(caller, newTrial({ customFields: {}, externalIds: [{ system: 'erp', value: '1' }] }));

  const csv = await inDatabase((em) => exported(em, ExportFormat.CSV));

  expect(csv.split('\r\n')[0]).toBe(
    '\ufeffid,title,customerId,status,amount,endDate,stageTime,label,seats,sizeBytes,score,accepted,source,' +
      'ownerId,ownerTeamId,createTime,updateTime',
  );
  expect(csv).toMatch(/,First,,OPEN,12.50 EUR,2026-12-31,2026-02-01T12:30:00.250Z,"a\nb""c",3,9000000000,0.25,true,,/);
});

test('an import applies the rules of the type: violations, server-managed fields and side effects', async () => {
  caller = newCaller();
  const customerId = v7();
  await table.inSession(caller, () => insertCustomer(table, caller, customerId));
  const trial = newTrial({ title: 'Old', customerId, status: 1, externalIds: [], customFields: {} });
  await table.insert(caller, trial);
  const file = `id,title,status,customer_id\n${String(trial['id'])},Old,WON,\n,No,OPEN,\n,New,OPEN,${customerId}\n`;

  const answer = await inDatabase((em) => imported(em, file));

  expect(answer).toMatchObject({ rows: 3, updated: 1, created: 1, failed: 1 });
  expect(answer.issues).toMatchObject([
    { line: 3, severity: Severity.ERROR, field: 'title', reason: 'TITLE_FORBIDDEN' },
  ]);
  const rows = await stored();
  expect(rows.map(({ title, status }) => [title, status])).toEqual([
    ['New', 'OPEN'],
    ['Old', 'WON'],
  ]);
  expect((rows[1]?.['stage_time'] as Date).getTime()).toBeGreaterThan(Date.parse(String(trial['stageTime'])));
  expect(await table.rows(caller, 'select source from customer')).toEqual([{ source: '1>2,->1' }]);
});

test('a reference is resolved by a unique value of its target; an unknown one is omitted with a warning', async () => {
  caller = newCaller();
  const customerId = v7();
  await table.inSession(caller, () => insertKeyed(customerId, 'EXTERNAL_ID', 'erp/47'));

  const answer = await inDatabase((em) => imported(em, 'title,customer.external_id.erp\nFirst,47\nSecond,48\n'));

  expect(answer).toMatchObject({ created: 2 });
  expect(answer.issues).toMatchObject([{ line: 3, field: 'customerId', reason: 'CUSTOMER_NOT_FOUND' }]);
  expect((await stored()).map(({ title, customer_id }) => [title, customer_id])).toEqual([
    ['First', customerId],
    ['Second', null],
  ]);
});
