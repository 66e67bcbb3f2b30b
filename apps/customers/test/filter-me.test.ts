import type { ServiceError } from '@grpc/grpc-js';
import { fromGrpcError } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { ExportFormat } from '@rapport/contracts/rapport/api/v1/records';
import {
  CustomersServiceService,
  ListCustomersRequest,
} from '@rapport/contracts/rapport/customers/v1/customers_service';
import { View } from '@rapport/contracts/rapport/work/v1/views_service';
import { AppError, type Caller } from '@rapport/platform';
import { beforeAll, describe, expect, test } from 'vitest';
import { person, sharedCustomers, sharedMailCustomers } from './running-customers.js';
import { SalesTenant } from './sales-tenant.js';
import { idOf, ScopedTenant } from './scoped-tenant.js';
import { newSegment } from './segment-tenant.js';

const service = await sharedCustomers();
const { admin: ada } = new ScopedTenant(service);
const bo: Caller = { ...ada, principalId: `user:${crypto.randomUUID()}` };
const key: Caller = { ...ada, principalId: `apiKey:${crypto.randomUUID()}` };
const sales = new SalesTenant(service, ada);
let ids: string[];

beforeAll(async () => {
  const owners = { Ada: idOf(ada), Bo: idOf(bo), Nobody: undefined };
  const made = Object.entries(owners).map(([displayName, ownerId]) =>
    service.create(ada, person({ displayName, ...(ownerId !== undefined && { ownerId }) })),
  );
  ids = (await Promise.all(made)).map(({ id }) => id);
  const pipeline = await sales.createPipeline();
  await sales.createDeal(pipeline, { title: 'Of Bo', customerId: ids[0], ownerId: idOf(bo) });
});

const names = async (by: Caller, filter: string) =>
  (await service.names(by, { filter, orderBy: 'displayName' })).join();

test.each([
  ['ownerId = me', 'Ada', 'Bo'],
  ['owner_id:me', 'Ada', 'Bo'],
  ['ownerId != me', 'Bo,Nobody', 'Ada,Nobody'],
  ['NOT ownerId=me', 'Bo,Nobody', 'Ada,Nobody'],
  ['ownerId IN (me)', 'Ada', 'Bo'],
  [`ownerId IN (${idOf(bo)},me)`, 'Ada,Bo', 'Bo'],
  ['ownerId = me OR NOT ownerId:*', 'Ada,Nobody', 'Bo,Nobody'],
  ['deals.ownerId = me', '', 'Ada'],
  ['displayName = me', '', ''],
])('me is the user who calls: %s', async (filter, ofAda, ofBo) => {
  expect([await names(ada, filter), await names(bo, filter)]).toEqual([ofAda, ofBo]);
});

test('me is the caller in counts, exports, batch reads, and in views, whose reader it is', async () => {
  const filter = 'ownerId = me';
  const counted = await service.call('aggregateCustomers', { filter, groupBy: ['ownerId'], sum: [] }, bo);
  expect(counted.groups).toMatchObject([{ values: [{ value: idOf(bo) }], count: 1 }]);
  expect(await exported(bo, filter)).toEqual(['Bo']);
  expect((await service.call('batchGetCustomers', { ids, filter }, bo)).unmetIds).toHaveLength(2);

  const blank = View.decode(new Uint8Array());
  const view = { ...blank, resource: 'customers', name: 'Mine', filter, shared: true };
  for (const by of [ada, key]) {
    expect(await service.call('createView', { view }, by)).toMatchObject({ filter });
  }
});

async function exported(by: Caller, filter: string): Promise<unknown[]> {
  const request = { format: ExportFormat.NDJSON, columns: ['displayName'], filter, q: undefined };
  const pieces = service.client.exportCustomers(request, service.metadataOf(by)) as AsyncIterable<HttpBody>;
  const texts: string[] = [];
  for await (const { data } of pieces) texts.push(Buffer.from(data).toString());
  const lines = texts.join('').trim().split('\n');
  return lines.map((line) => (JSON.parse(line) as { displayName: unknown }).displayName);
}

describe('me is refused', () => {
  test.each([
    ['ownerId = "me"', 'FILTER_VALUE_INVALID', 'must be a UUID, or me without quotation marks'],
    ['ownerId = Me', 'FILTER_VALUE_INVALID', 'or me without'],
    ['ownerTeamId = me', 'FILTER_VALUE_INVALID', 'at character 15: ownerTeamId must be a UUID'],
    ['id = me', 'FILTER_VALUE_INVALID', 'id must be a UUID'],
    ['ownerId = me*', 'FILTER_NOT_INDEXED', 'ownerId can be compared'],
    ['ownerId > me', 'FILTER_NOT_INDEXED', 'it has no order'],
  ])('where no user is named: %s', async (filter, reason, description) => {
    expect(await violationsOf(names(ada, filter))).toMatchObject([
      { field: 'filter', reason, description: expect.stringContaining(description) as string },
    ]);
  });

  const refusal = (field: string) => [
    {
      field,
      reason: 'FILTER_WITHOUT_USER',
      description:
        'at character 11: ownerId is not compared with me here: API keys are no users, and no user asks what is stored for' +
        ' later; name the user by id',
    },
  ];
  const filter = 'ownerId = me';

  test('for a caller that is no user, and for a flow in the name of one', async () => {
    const refused = refusal('filter');
    expect(await violationsOf(names(key, filter))).toEqual(refused);
    const client = { ...ada, principalId: `client:${crypto.randomUUID()}` };
    expect(await violationsOf(names(client, filter))).toEqual(refused);
    expect(await violationsOf(exported(key, filter))).toEqual(refused);
    const counts = service.call('aggregateCustomers', { filter, groupBy: [], sum: [] }, key);
    expect(await violationsOf(counts)).toEqual(refused);
    expect(await violationsOf(service.call('batchGetCustomers', { ids, filter }, key))).toEqual(refused);

    const context = { ...service.outgoing(ada), cause: { origin: 'flow', causationId: crypto.randomUUID(), hop: 1 } };
    const { path } = CustomersServiceService.listCustomers;
    const ofFlow = service.streams.unary(
      path,
      { ...ListCustomersRequest.decode(new Uint8Array()), filter },
      { context, deadlineMs: 20_000 },
    );
    expect(await violationsOf(ofFlow)).toEqual(refused);
  });

  test('in what is stored and evaluated without a caller, also beside a custom field', async () => {
    const rule = (text: string) => violationsOf(sales.createRule([idOf(ada)], { recordType: 'lead', filter: text }));
    expect(await rule(filter)).toEqual(refusal('assignmentRule.filter'));
    expect(await rule(`${filter} AND customFields.plan = x`)).toEqual(refusal('assignmentRule.filter'));
    const segment = service.call('createSegment', { segment: newSegment({ filter }) }, ada);
    expect(await violationsOf(segment)).toEqual(refusal('segment.filter'));

    const sync = await sharedMailCustomers();
    const request = { tenantId: ada.tenantId, filters: [{ type: 'customer', filter }], hidesPersonalData: false };
    expect(await violationsOf(sync.call('checkRecordFilters', request))).toEqual(refusal('filters[0].filter'));
  });
});

async function violationsOf(call: Promise<unknown>): Promise<unknown> {
  const error = await call.then(
    () => expect.fail('It was not refused.'),
    (thrown: unknown) => thrown,
  );
  const known = error instanceof AppError ? error : fromGrpcError(error as ServiceError);
  expect(known.code).toBe('INVALID_ARGUMENT');
  return known.violations;
}
