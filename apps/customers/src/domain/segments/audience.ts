/**
 * SQL of the ids of living customers that are members of any of some segments, and of none of others. A customer into
 * which a member was merged counts for it at once: segments follow merges about a second later.
 *
 * Example: `insert into … select … from (${audienceSql('$2::uuid[]', '$3::uuid[]')}) audience (customer_id)`
 *
 * @param includeIds SQL of the ids of segments, such as `$2::uuid[]`
 * @param excludeIds SQL of the ids of segments whose members are left out, such as `$3::uuid[]`
 * @param tenantId SQL of the tenant, `$1` by default
 */
export function audienceSql(includeIds: string, excludeIds: string, tenantId = '$1'): string {
  return `select customer.id from customer
    where customer.tenant_id = ${tenantId} and customer.delete_time is null
      and customer.id in (${members(includeIds, tenantId)})
      and customer.id not in (${members(excludeIds, tenantId)})`;
}

/** Never null, for NOT IN. */
function members(segmentIds: string, tenantId: string): string {
  return `select coalesce(member.merged_into_id, member.id)
    from segment_member
    join segment on segment.tenant_id = ${tenantId} and segment.id = segment_member.segment_id and segment.delete_time is null
    join customer member on member.tenant_id = ${tenantId} and member.id = segment_member.customer_id
    where segment_member.tenant_id = ${tenantId} and segment_member.segment_id = any (${segmentIds})
      and segment_member.delete_time is null and (member.merged_into_id is null or segment.kind <> 'DYNAMIC')`;
}
