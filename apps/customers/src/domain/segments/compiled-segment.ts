import type { EntityManager } from '@mikro-orm/postgresql';
import type { SegmentKind, SegmentState } from '@rapport/contracts/rapport/marketing/v1/segment';
import { queryRows, type Statement } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { allOf, rowOnly, type Condition, type Sql } from '../../engine/query/filter/condition.js';
import { filterConditions } from '../../engine/query/list/list-conditions.js';
import { numbered } from '../../engine/query/list/planner-settings.js';
import { customerType } from '../../engine/records/customers/customer-type.js';

/** What following a segment needs of it. */
export interface FollowedSegment {
  id: string;
  kind: keyof typeof SegmentKind;
  state: keyof typeof SegmentState;
  filter: string | null;
  exclude_segment_ids: string[];
  is_building: boolean;
  build_after: string | null;
  source_id: string | null;
  version: number;
}

/** The live segments of the tenant. */
export function readSegments(source: EntityManager): Promise<FollowedSegment[]> {
  return queryRows<FollowedSegment>(source, {
    name: 'followed_segments',
    sql: `select segment.id, kind, state, filter, exclude_segment_ids, is_building, build_after, source_id,
        segment.version
      from segment join segment_progress progress on progress.tenant_id = segment.tenant_id and segment_id = segment.id
      where segment.tenant_id = $1 and delete_time is null order by segment.id`,
    values: [currentCaller().tenantId],
  });
}

/** Locks the segments against changes of their filters. @returns whether they are still as they were read */
export async function lockSegments(em: EntityManager, segments: readonly FollowedSegment[]): Promise<boolean> {
  const rows = await queryRows<{ id: string; version: number }>(em, {
    name: 'hold_followed_segments',
    sql: 'select id, version from segment where tenant_id = $1 and delete_time is null order by id for share',
    values: [currentCaller().tenantId],
  });
  const versions = new Map(rows.map(({ id, version }) => [id, version]));
  return rows.length === segments.length && segments.every(({ id, version }) => versions.get(id) === version);
}

/** A segment whose filter is read, or why it can't be. */
export interface CompiledSegment {
  segment: FollowedSegment;
  conditions: Condition[];
  problem?: string;
}

/** Reads the filter of a segment. @param now what its relative times refer to */
export async function compileSegment(em: EntityManager, segment: FollowedSegment, now: Date): Promise<CompiledSegment> {
  const { filter, exclude_segment_ids: excluded, source_id: source } = segment;
  try {
    const conditions = await filterConditions(em, customerType(), filter ?? '', { now });
    return {
      segment,
      conditions: [...conditions, ...(source === null ? [] : [isMember(source)]), ...excluding(excluded)],
    };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (error.code !== 'INVALID_ARGUMENT') throw error;
    return { segment, conditions: [], problem: error.violations[0]?.description ?? error.message };
  }
}

/** The condition that a customer is no member of any of some segments. */
export function excluding(segmentIds: readonly string[]): Condition[] {
  return segmentIds.map((id) => {
    const { sql, params } = memberOf(id);
    return rowOnly(`not ${sql}`, params);
  });
}

function isMember(segmentId: string): Condition {
  const { sql, params } = memberOf(segmentId);
  return rowOnly(sql, params);
}

function memberOf(segmentId: string): Sql {
  return {
    sql: `exists (select from segment_member held where held.segment_id = ?::uuid and held.customer_id = customer.id
      and held.delete_time is null offset 0)`,
    params: [segmentId],
  };
}

/** A customer whose membership differs from what the filter says. */
export interface Difference {
  customer_id: string;
  /** Of the membership that ends; null for a customer that joins. */
  member_id: string | null;
}

/** The differences among some customers. */
export function differencesAmong({ segment, conditions }: CompiledSegment, customerIds: readonly string[]): Statement {
  const { row } = allOf(conditions);
  const { sql, params } = {
    sql: `select candidate.id as customer_id, member.id as member_id
      from unnest(?::uuid[]) candidate (id)
      left join customer on customer.tenant_id = ? and customer.id = candidate.id
      left join segment_member member on member.tenant_id = ? and member.segment_id = ?
        and member.customer_id = candidate.id and member.delete_time is null
      where coalesce(customer.id is not null and customer.delete_time is null and (${row.sql}), false)
        is distinct from (member.id is not null)`,
    params: [currentCaller().tenantId, currentCaller().tenantId, segment.id, ...row.params],
  };
  return { sql: numbered(sql), values: [[...customerIds], ...params] };
}

/** The position at which a comparison continues, and the most ids that it lists of each kind. */
export interface ComparedPage {
  after: string | null;
  size: number;
  listed: number;
}

/**
 * The differences among the customers of a page and the members up to its last one; the last page has all members that are left. Pages
 * keep a statement short, however many customers there are. A full join is hashed or merged: a `not in` compares each with each once its
 * list exceeds the memory of a hash.
 */
export function differencesOfPage(
  { segment, conditions }: CompiledSegment,
  { after, size, listed }: ComparedPage,
): Statement {
  const { tenantId } = currentCaller();
  const { row } = allOf(conditions);
  const sql = `with page as materialized (
      select customer.id, coalesce(customer.delete_time is null and (${row.sql}), false) as is_wanted
      from customer where customer.tenant_id = ? and (?::uuid is null or customer.id > ?)
      order by customer.id limit ?),
    held as materialized (
      select customer_id as id from segment_member where tenant_id = ? and segment_id = ? and delete_time is null
        and (?::uuid is null or customer_id > ?)
        and ((select count(*) from page) < ? or customer_id <= (select id from page order by id desc limit 1))),
    different as materialized (
      select wanted.id as missing, held.id as extra from (select id from page where is_wanted) wanted
      full join held on held.id = wanted.id where wanted.id is null or held.id is null)
    select (select id from page order by id desc limit 1) as last, (select count(*)::int from page) as customers,
      (select count(*)::int from held) as size,
      (select count(missing)::int from different) as missing_count, (select count(extra)::int from different) as extra_count,
      array(select missing::text from different where missing is not null order by missing limit ?) as missing_ids,
      array(select extra::text from different where extra is not null order by extra limit ?) as extra_ids`;
  const values = [
    ...row.params,
    tenantId,
    after,
    after,
    size,
    tenantId,
    segment.id,
    after,
    after,
    size,
    listed,
    listed,
  ];
  return { sql: numbered(sql), values };
}
