import type { EntityManager } from '@mikro-orm/postgresql';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type {
  PreviewSegmentRequest,
  PreviewSegmentResponse,
} from '@rapport/contracts/rapport/marketing/v1/segment_actions_service';
import { readForTenant } from '@rapport/persistence';
import { currentCaller, invalidField } from '@rapport/platform';
import { checkMayRead } from '../../engine/query/filter/compile-filter.js';
import { matchingRecords } from '../../engine/query/list/count-records.js';
import { filterConditions } from '../../engine/query/list/list-conditions.js';
import { executeWith } from '../../engine/query/list/planner-settings.js';
import { ownedRecords } from '../../engine/query/owned-records.js';
import { customerType } from '../../engine/records/customers/customer-type.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { excluding } from './compiled-segment.js';
import { checkedIn, namedSegments } from './segment-references.js';

const sampleCount = 20;

/** Handles PreviewSegment. */
export async function previewSegment(
  em: EntityManager,
  { preview }: PreviewSegmentRequest,
): Promise<PreviewSegmentResponse> {
  if (!preview) throw invalidField('preview', 'REQUIRED', 'is required');
  const { filter = '', excludeSegmentIds } = preview;
  checkMayRead(customerType());
  const conditions = await checkedIn('preview', async () => {
    await checkNamed(em, namedSegments({ filter, excludeSegmentIds }));
    return filterConditions(em, customerType(), filter);
  });
  const all = [...conditions, ...excluding(excludeSegmentIds), ...ownedRecords(customerType())];
  const { tenantId } = currentCaller();
  const { sql, params, settings } = matchingRecords({ type: customerType(), tenantId, live: true, conditions: all });
  const read = <Row extends object>(select: string, rest = '') =>
    executeWith<Row>(em, settings, { sql: `${select} ${sql} ${rest}`, params });
  const [plan] = await read<{ 'QUERY PLAN': { Plan: { 'Total Cost': number } }[] }>(
    'explain (format json) select customer.id',
  );
  const [counted] = await read<{ count: string }>('select count(*) as count');
  const rows = await read<{ id: string }>(
    'select customer.id',
    `order by customer.create_time desc, customer.id desc limit ${sampleCount}`,
  );
  return {
    count: Number(counted?.count),
    samples: await samplesOf(
      em,
      rows.map(({ id }) => id),
    ),
    planCost: plan?.['QUERY PLAN'][0]?.Plan['Total Cost'] ?? 0,
  };
}

async function checkNamed(em: EntityManager, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const rows = await readForTenant<{ id: string }>(em, {
    name: 'named_live_segments',
    sql: 'select id from segment where tenant_id = $1 and delete_time is null and id = any ($2::uuid[])',
    values: [currentCaller().tenantId, ids],
  });
  if (rows.length < ids.length) throw invalidField('filter', 'SEGMENT_NOT_FOUND', 'must name live segments');
}

async function samplesOf(em: EntityManager, ids: readonly string[]): Promise<PreviewSegmentResponse['samples']> {
  const type = customerType();
  const stored = await readForTenant<StoredRecord<Customer>>(em, liveRecords(type, [...ids]));
  const customers = new Map((await openStored(type, stored)).map((customer) => [customer.id, customer]));
  return ids.flatMap((id) => {
    const customer = customers.get(id);
    return customer ? [{ customerId: id, displayName: customer.displayName, email: customer.emails[0]?.address }] : [];
  });
}
