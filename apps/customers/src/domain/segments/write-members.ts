import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows, transactionPipeline, type Statement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { segmentMembers } from './segment-members.js';

/** What changes in the members of a segment. */
export interface MemberChanges {
  segmentId: string;
  joining: readonly string[];
  /** Ids of the memberships that end. */
  leaving: readonly string[];
}

/**
 * Writes joining and leaving members of several segments, and counts them, in the open transaction. The rows of customers are
 * locked in the order of their ids, as merges and erasures lock them; a customer that an erasure has removed does not join.
 *
 * @param position up to which the segments are true; absent for a call that adds members
 */
export async function writeMembers(
  em: EntityManager,
  changes: readonly MemberChanges[],
  position: number | undefined,
): Promise<void> {
  const statements = memberStatements(changes, position);
  if (statements.length > 0) await transactionPipeline(em, statements);
}

/** The statements of `writeMembers`. The last row of each has `changed`, the number of members. */
export function memberStatements(changes: readonly MemberChanges[], position?: number): Statement[] {
  const joining = changes
    .flatMap(({ segmentId, joining: ids }) => ids.map((customerId) => ({ segmentId, customerId })))
    .toSorted((one, other) => (one.customerId < other.customerId ? -1 : 1));
  const leaving = changes.flatMap(({ leaving: ids }) => ids);
  const { tenantId, principalId } = currentCaller();
  const now = new Date().toISOString();
  return [
    ...(joining.length === 0 ? [] : [joinStatement(joining, { tenantId, principalId, now, position })]),
    ...(leaving.length === 0 ? [] : [leaveStatement(leaving, { tenantId, principalId, now })]),
  ];
}

interface Write {
  tenantId: string;
  principalId: string;
  now: string;
  position?: number | undefined;
}

function joinStatement(
  joining: readonly { segmentId: string; customerId: string }[],
  { tenantId, principalId, now, position }: Write,
): Statement {
  return {
    name: 'join_segments',
    // Without the lock, the foreign key would wait for a removal under way, and then fail for all members.
    sql: `with present as (
        select id from customer where tenant_id = $1 and id = any ($4::uuid[]) order by id for key share),
      joined as (
        insert into segment_member (tenant_id, id, segment_id, customer_id, join_time, join_position, version, create_time,
          update_time, created_by, updated_by, index_version)
        select $1, wanted.id, segment_id, customer_id, $5, $6, 1, $5, $5, $7, $7, ${segmentMembers.definition.indexVersion}
        from unnest($2::uuid[], $3::uuid[], $4::uuid[]) wanted (id, segment_id, customer_id)
        join present on present.id = customer_id
        order by customer_id
        on conflict (tenant_id, segment_id, customer_id) where delete_time is null do nothing
        returning segment_id),
      counted as (select segment_id, count(*)::int as members from joined group by segment_id)
      update segment_progress progress set size = size + members from counted
      where progress.tenant_id = $1 and progress.segment_id = counted.segment_id
      returning members as changed, size`,
    values: [
      tenantId,
      joining.map(() => uuidv7()),
      joining.map(({ segmentId }) => segmentId),
      joining.map(({ customerId }) => customerId),
      now,
      position === undefined ? null : String(position),
      principalId,
    ],
  };
}

function leaveStatement(leaving: readonly string[], { tenantId, principalId, now }: Write): Statement {
  return {
    name: 'leave_segments',
    sql: `with locked as (
        select id from segment_member where tenant_id = $1 and id = any ($2::uuid[]) and delete_time is null
        order by id for update),
      left_now as (
        update segment_member member set delete_time = $3, update_time = $3, updated_by = $4, version = version + 1
        from locked where member.tenant_id = $1 and member.id = locked.id
        returning segment_id),
      counted as (select segment_id, count(*)::int as members from left_now group by segment_id)
      update segment_progress progress set size = size - members from counted
      where progress.tenant_id = $1 and progress.segment_id = counted.segment_id
      returning members as changed, size`,
    values: [tenantId, [...leaving], now, principalId],
  };
}

/** The customers into which members of STATIC and SNAPSHOT segments were merged join them. @param ids of the merged customers */
export async function followMerges(em: EntityManager, ids: readonly string[], position: number): Promise<void> {
  if (ids.length === 0) return;
  const rows = await queryRows<{ segment_id: string; customer_id: string }>(em, {
    name: 'segments_of_merged_customers',
    sql: `select distinct segment_id, merged.merged_into_id as customer_id
      from segment_member member
      join segment on segment.tenant_id = $1 and segment.id = segment_id and segment.kind <> 'DYNAMIC'
      join customer merged on merged.tenant_id = $1 and merged.id = member.customer_id
      where member.tenant_id = $1 and member.customer_id = any ($2::uuid[]) and member.delete_time is null
        and merged.merged_into_id is not null`,
    values: [currentCaller().tenantId, [...ids]],
  });
  await joinAll(em, rows, position);
}

/**
 * As `followMerges`, for merges that no change tells of any more: those before the first step of a tenant, and those that the log
 * has lost. A customer that has been a member before was removed, or has joined already.
 */
export async function followPastMerges(em: EntityManager, position: number): Promise<void> {
  const rows = await queryRows<{ segment_id: string; customer_id: string }>(em, {
    name: 'segments_of_past_merges',
    sql: `with recursive survivor (segment_id, customer_id) as (
        select member.segment_id, merged.merged_into_id
        from segment_member member
        join segment on segment.tenant_id = $1 and segment.id = segment_id and segment.kind <> 'DYNAMIC'
        join customer merged on merged.tenant_id = $1 and merged.id = member.customer_id
        where member.tenant_id = $1 and member.delete_time is null and merged.merged_into_id is not null
        union
        select segment_id, merged.merged_into_id
        from survivor join customer merged on merged.tenant_id = $1 and merged.id = customer_id
        where merged.merged_into_id is not null)
      select segment_id, customer_id from survivor
      where not exists (
        select from segment_member own
        where own.tenant_id = $1 and own.segment_id = survivor.segment_id and own.customer_id = survivor.customer_id)`,
    values: [currentCaller().tenantId],
  });
  await joinAll(em, rows, position);
}

async function joinAll(
  em: EntityManager,
  rows: readonly { segment_id: string; customer_id: string }[],
  position: number,
): Promise<void> {
  const changes = rows.map((row) => ({ segmentId: row.segment_id, joining: [row.customer_id], leaving: [] }));
  await writeMembers(em, changes, position);
}
