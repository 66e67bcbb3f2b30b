import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import { StageEntriesServiceService } from '@rapport/contracts/rapport/sales/v1/stage_entries_service';
import type { StageEntry } from '@rapport/contracts/rapport/sales/v1/stage_entry';
import { formatEtag, type TransactionStatement } from '@rapport/persistence';
import { callContext, currentCaller } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { CustomFields } from '../../engine/fields/custom-fields.js';
import type { RecordChange } from '../../engine/fields/record-definition.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { insertRecords } from '../../engine/records/record-statements.js';
import { recordController } from '../../engine/serve/record-controller.js';

/**
 * The times that deals spent in stages. Retained indefinitely, unlike the change log, so that reports can cover years.
 */
export const stageEntries = defineRecord<StageEntry>('rapport/StageEntry', StageEntriesServiceService, {
  indexVersion: 1,
});

export const StageEntriesController = recordController(stageEntries, StageEntriesServiceService);

/** A move of a deal into a stage. */
type Move = Pick<RecordChange<Deal>, 'before' | 'after' | 'remark'>;

/** Completes the entries of the stages that deals leave, and creates entries for the stages they enter. @param moves in order of time */
export function enterStages(moves: readonly Move[]): TransactionStatement[] {
  if (moves.length === 0) return [];
  const entries: StageEntry[] = [];
  const stays: Stay[] = [];
  const latest = new Map<string, StageEntry>();
  for (const move of moves) {
    const { before, after } = move;
    const entry = newEntry(move);
    const previous = latest.get(after.id);
    if (previous) Object.assign(previous, left(previous, after.stageTime ?? ''));
    else if (before) stays.push({ deal_id: after.id, leave_time: after.stageTime });
    latest.set(after.id, entry);
    entries.push(entry);
  }
  return [
    ...(stays.length > 0 ? [leaveStages(stays)] : []),
    insertRecords(stageEntries, entries, new CustomFields([])),
  ];
}

function newEntry({ before, after, remark }: Move): StageEntry {
  const { id: dealId, pipelineId, stage, stageTime: enterTime, amount, updatedBy } = after;
  return {
    ...{ id: uuidv7(), dealId, pipelineId, stage, enterTime, amount, previousStage: before?.stage },
    ...{ reason: remark?.reason, cause: callContext.getStore()?.cause?.origin ?? 'api' },
    overridden: remark?.isOverridden === true ? true : undefined,
    ...{ leaveTime: undefined, durationSeconds: undefined, etag: formatEtag(1), deleteTime: undefined },
    ...{ createTime: enterTime, updateTime: enterTime, createdBy: updatedBy, updatedBy },
  };
}

function left({ enterTime }: StageEntry, leaveTime: string): Partial<StageEntry> {
  const milliseconds = new Date(leaveTime).getTime() - new Date(enterTime ?? leaveTime).getTime();
  return { leaveTime, durationSeconds: Math.floor(milliseconds / 1_000) };
}

/** The end of a stored entry. */
interface Stay {
  deal_id: string;
  leave_time: string | undefined;
}

function leaveStages(stays: readonly Stay[]): TransactionStatement {
  const { tenantId, principalId } = currentCaller();
  return {
    name: 'leave_stages',
    sql: `update stage_entry entry
      set leave_time = moved.leave_time, version = version + 1, update_time = moved.leave_time, updated_by = $3,
        duration_seconds = floor(extract(epoch from moved.leave_time - entry.enter_time))
      from jsonb_to_recordset($2) as moved (deal_id uuid, leave_time timestamptz)
      where entry.tenant_id = $1 and entry.deal_id = moved.deal_id and entry.leave_time is null`,
    values: [tenantId, JSON.stringify(stays), principalId],
  };
}
