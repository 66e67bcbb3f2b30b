import type { Statement } from '@rapport/persistence';
import type { ClientBase } from 'pg';

/** An approval whose approvers are to be notified as its state says. */
export interface Notice {
  approvalId: string;
  tenantId: string;
  /** Of the approval when the notice was claimed. */
  revision: number;
}

/** The condition of `DueWork` for notices. */
export const areNoticesDue = 'exists (select from flow_notice where due_time <= clock_timestamp())';

/** For the transaction that changes for whose decision an approval waits. */
export function noteNotice(tenantId: string, approvalId: string): Statement {
  return {
    name: 'note_flow_notice',
    sql: `insert into flow_notice as known (approval_id, tenant_id)
      select id, tenant_id from flow_approval where tenant_id = $1 and id = $2
      on conflict (approval_id) do update set revision = known.revision + 1`,
    values: [tenantId, approvalId],
  };
}

/**
 * Claims due notices, the first of each tenant before the second ones. One that is not settled is due again after
 * `leaseMs`.
 */
export async function claimNotices(client: ClientBase, most: number, leaseMs: number): Promise<Notice[]> {
  const { rows } = await client.query<Notice>({
    name: 'claim_flow_notices',
    text: `with due as (
        select approval_id, row_number() over (partition by tenant_id order by due_time) as turn
        from flow_notice where due_time <= clock_timestamp()),
      chosen as (
        select notice.approval_id from flow_notice notice join due using (approval_id)
        where due_time <= clock_timestamp() order by turn, random() limit $1 for update of notice skip locked)
      update flow_notice notice set due_time = clock_timestamp() + make_interval(secs => $2 / 1000.0)
      from chosen where notice.approval_id = chosen.approval_id
      returning notice.approval_id as "approvalId", notice.tenant_id as "tenantId", notice.revision`,
    values: [most, leaseMs],
  });
  return rows;
}

/** Ends a claim after the state of the approval was reported: it is due at once if that has changed since. */
export async function settleNotice(client: ClientBase, { approvalId, revision }: Notice): Promise<void> {
  await client.query({
    name: 'settle_flow_notice',
    text: `with settled as (delete from flow_notice where approval_id = $1 and revision = $2)
      update flow_notice set due_time = clock_timestamp() where approval_id = $1 and revision <> $2`,
    values: [approvalId, revision],
  });
}
