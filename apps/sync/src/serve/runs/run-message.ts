import {
  SyncRunKind,
  SyncRunState,
  type SyncRun as SyncRunMessage,
} from '@rapport/contracts/rapport/sync/v1/sync_runs_service';
import { noCounts } from '../../exchange/exchange-context.js';
import type { RunRow } from '../../exchange/runs/run-store.js';

export function runMessage(row: RunRow): SyncRunMessage {
  return {
    id: row.id,
    mappingId: row.mapping_id,
    kind: SyncRunKind[row.kind],
    dryRun: row.dry_run,
    allowMassDelete: row.allow_mass_delete,
    state: SyncRunState[row.state],
    isAutomatic: row.is_automatic,
    counts: { ...noCounts(), ...row.counts },
    comparison: row.comparison ? { filtered: 0, ...row.comparison } : undefined,
    plannedChanges: row.planned_changes,
    planned: row.planned ? { ...noCounts(), ...row.planned } : undefined,
    pairing: row.pairing ?? undefined,
    resolution: row.resolution ?? undefined,
    issues: row.issues,
    errorReason: row.error_reason ?? undefined,
    errorMessage: row.error_message ?? undefined,
    createTime: new Date(row.create_time).toISOString(),
    startTime: row.start_time === null ? undefined : new Date(row.start_time).toISOString(),
    endTime: row.end_time === null ? undefined : new Date(row.end_time).toISOString(),
  };
}

export function hasEnded({ state }: RunRow): boolean {
  return state === 'SUCCEEDED' || state === 'FAILED';
}
