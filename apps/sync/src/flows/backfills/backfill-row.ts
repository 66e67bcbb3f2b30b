import {
  FlowBackfillCancelReason,
  FlowBackfillCause,
  FlowBackfillState,
  type FlowBackfill,
} from '@rapport/contracts/rapport/flows/v1/flow_backfills_service';
import { AppError } from '@rapport/platform';

/** A backfill as calls answer it. */
export interface BackfillRow {
  id: string;
  flow_id: string;
  version: number;
  cause: 'CHANGES' | 'SEGMENT';
  /** PAUSED is the state of its flow. */
  state: 'RUNNING' | 'PAUSED' | 'SUCCEEDED' | 'CANCELLED';
  cancel_reason: CancelReason | null;
  segment_id: string | null;
  total: number;
  started: number;
  succeeded: number;
  failed: number;
  cancelled: number;
  suppressed: number;
  created_by: string | null;
  create_time: string;
  update_time: string;
  end_time: string | null;
}

export type CancelReason = 'MANUAL' | 'FLOW_RETIRED' | 'SEGMENT_UNREADABLE';

/** Selects backfills, for conditions on `id`, `flow_id` and `state`. */
export const selectBackfills = `select * from (
    select backfill.tenant_id, backfill.id, flow_id, backfill.version, cause, cancel_reason, segment_id, started, succeeded,
      failed, cancelled, suppressed, backfill.created_by, backfill.create_time, backfill.update_time, end_time,
      case when backfill.state = 'RUNNING' and flow.state in ('PAUSED', 'FROZEN') then 'PAUSED'
        else backfill.state end as state,
      greatest(waiting + started + suppressed, case when is_read then 0 else size end) as total
    from flow_backfill backfill
    left join flow on flow.tenant_id = backfill.tenant_id and flow.id = flow_id
    where backfill.tenant_id = $1
  ) backfill`;

export function backfillMessage(row: BackfillRow): FlowBackfill {
  const { total, started, succeeded, failed, cancelled, suppressed } = row;
  return {
    ...{ id: row.id, flowId: row.flow_id, version: row.version, segmentId: row.segment_id ?? undefined },
    ...{ cause: FlowBackfillCause[row.cause], state: FlowBackfillState[row.state] },
    ...{ total, started, succeeded, failed, cancelled, suppressed },
    cancelReason: FlowBackfillCancelReason[row.cancel_reason ?? 'UNSPECIFIED'],
    ...{ createTime: isoTime(row.create_time), updateTime: isoTime(row.update_time) },
    endTime: row.end_time === null ? undefined : isoTime(row.end_time),
    createdBy: row.created_by ?? undefined,
  };
}

export function backfillNotFound(): AppError {
  return new AppError('NOT_FOUND', 'FLOW_BACKFILL_NOT_FOUND', 'There is no such backfill.');
}

function isoTime(text: string): string {
  return new Date(text).toISOString();
}
