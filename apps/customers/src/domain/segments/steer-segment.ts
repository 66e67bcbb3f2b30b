import { SegmentKind, SegmentState, type Segment } from '@rapport/contracts/rapport/marketing/v1/segment';
import type { StatementTransaction } from '@rapport/persistence';
import { AppError } from '@rapport/platform';
import { liveRecord } from '../../engine/records/missing-record.js';
import { changeRecord, readForChange } from '../../engine/write/write-record.js';
import { segments, buildStatements } from './segments.js';

/** Handles RebuildSegment. */
export async function rebuildSegment(transaction: StatementTransaction, id: string): Promise<Segment> {
  const segment = await setState(transaction, id, () => SegmentState.BUILDING);
  transaction.later(...buildStatements(id));
  return segment;
}

/** Handles PauseSegment. */
export function pauseSegment(transaction: StatementTransaction, id: string): Promise<Segment> {
  return setState(transaction, id, () => SegmentState.PAUSED);
}

/** Handles ResumeSegment. */
export function resumeSegment(transaction: StatementTransaction, id: string): Promise<Segment> {
  return setState(transaction, id, ({ state }) => (state === SegmentState.PAUSED ? SegmentState.BUILDING : state));
}

async function setState(
  transaction: StatementTransaction,
  id: string,
  next: (segment: Segment) => SegmentState,
): Promise<Segment> {
  const { record, ...known } = await readForChange(transaction, segments, id);
  const before = await liveRecord(transaction, segments, id, record);
  if (before.kind !== SegmentKind.DYNAMIC) {
    throw new AppError(
      'FAILED_PRECONDITION',
      'SEGMENT_NOT_DYNAMIC',
      'Only the members of DYNAMIC segments change by themselves.',
    );
  }
  const changes = { ...before, state: next(before), stateReason: undefined };
  return changeRecord(transaction, segments, before, known, { changes, mask: ['state', 'stateReason'] });
}
