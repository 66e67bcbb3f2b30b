import { SegmentKind, SegmentState, type Segment } from '@rapport/contracts/rapport/marketing/v1/segment';
import type {
  AddSegmentMembersRequest,
  ChangeSegmentMembersResponse,
  PauseSegmentRequest,
  RebuildSegmentRequest,
  RemoveSegmentMembersRequest,
  ResumeSegmentRequest,
  SnapshotSegmentRequest,
} from '@rapport/contracts/rapport/marketing/v1/segment_actions_service';
import { checkEtag, etagVersion, type StatementTransaction } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument, invalidField, type FieldViolation } from '@rapport/platform';
import { liveRecord } from '../../engine/records/missing-record.js';
import { changeRecord, createRecord, readForChange } from '../../engine/write/write-record.js';
import { segments, buildStatements } from './segments.js';
import { memberStatements } from './write-members.js';

/** Handles AddSegmentMembers. */
export async function addSegmentMembers(
  transaction: StatementTransaction,
  { id, members, etag }: AddSegmentMembersRequest,
): Promise<ChangeSegmentMembersResponse> {
  if (!members) throw invalidField('members', 'REQUIRED', 'is required');
  const ids = members.customerIds;
  return changeMembers(transaction, { id, etag }, async () => {
    const seen = await transaction.rows<{ id: string }>({
      name: 'customers_that_join',
      sql: `select id from customer where tenant_id = $1 and id = any ($2::uuid[]) and delete_time is null order by id for key share`,
      values: [currentCaller().tenantId, ids],
    });
    refuseUnknown(ids, new Set(seen.map((customer) => customer.id)));
    return memberStatements([{ segmentId: id, joining: [...new Set(ids)], leaving: [] }]);
  });
}

/** Handles RemoveSegmentMembers. */
export async function removeSegmentMembers(
  transaction: StatementTransaction,
  { id, members, etag }: RemoveSegmentMembersRequest,
): Promise<ChangeSegmentMembersResponse> {
  if (!members) throw invalidField('members', 'REQUIRED', 'is required');
  return changeMembers(transaction, { id, etag }, async () => {
    const leaving = await transaction.rows<{ id: string }>({
      name: 'memberships_of_customers',
      sql: `select id from segment_member
        where tenant_id = $1 and segment_id = $2 and customer_id = any ($3::uuid[]) and delete_time is null`,
      values: [currentCaller().tenantId, id, members.customerIds],
    });
    return memberStatements([{ segmentId: id, joining: [], leaving: leaving.map((member) => member.id) }]);
  });
}

/** Handles SnapshotSegment. */
export async function snapshotSegment(
  transaction: StatementTransaction,
  { id, snapshot, requestId }: SnapshotSegmentRequest,
): Promise<Segment> {
  if (!snapshot) throw invalidField('snapshot', 'REQUIRED', 'is required');
  const { record } = await readForChange(transaction, segments, id);
  const source = await liveRecord(transaction, segments, id, record);
  const segment = {
    ...segments.empty(),
    ...{ key: snapshot.key, name: snapshot.name ?? source.name, kind: SegmentKind.SNAPSHOT },
  };
  const created = await createRecord(transaction, segments, { segment, requestId } as object);
  transaction.later(...buildStatements(created.id, source.id));
  return created;
}

async function changeMembers(
  transaction: StatementTransaction,
  { id, etag }: { id: string; etag?: string | undefined },
  change: () => Promise<ReturnType<typeof memberStatements>>,
): Promise<ChangeSegmentMembersResponse> {
  const { record, ...known } = await readForChange(transaction, segments, id);
  const before = await liveRecord(transaction, segments, id, record);
  checkEtag(etag, etagVersion(before.etag));
  if (before.kind !== SegmentKind.STATIC) {
    throw new AppError('FAILED_PRECONDITION', 'SEGMENT_NOT_STATIC', 'Members are added to STATIC segments only.');
  }
  const statements = await change();
  const { tenantId } = currentCaller();
  const results = await transaction.run(...statements, {
    name: 'size_of_segment',
    sql: 'select size from segment_progress where tenant_id = $1 and segment_id = $2',
    values: [tenantId, id],
  });
  const rows = results as unknown as { changed?: number; size: number }[][];
  const size = rows.at(-1)?.[0]?.size ?? 0;
  const changedCount = statements.length === 0 ? 0 : (rows[0]?.[0]?.changed ?? 0);
  await changeRecord(transaction, segments, before, known, { changes: { ...before, size }, mask: ['size'] });
  return { changedCount, size };
}

function refuseUnknown(ids: readonly string[], seen: ReadonlySet<string>): void {
  const description = 'must be the id of a customer';
  const violations = ids.flatMap((id, index): FieldViolation[] =>
    seen.has(id) ? [] : [{ field: `members.customerIds[${index}]`, reason: 'CUSTOMER_NOT_FOUND', description }],
  );
  if (violations.length > 0) throw invalidArgument(violations.slice(0, 100));
}

/** Handles RebuildSegment. */
export async function rebuildSegment(
  transaction: StatementTransaction,
  request: RebuildSegmentRequest,
): Promise<Segment> {
  const segment = await setState(transaction, request, () => SegmentState.BUILDING);
  transaction.later(...buildStatements(request.id));
  return segment;
}

/** Handles PauseSegment. */
export function pauseSegment(transaction: StatementTransaction, request: PauseSegmentRequest): Promise<Segment> {
  return setState(transaction, request, () => SegmentState.PAUSED);
}

/** Handles ResumeSegment. */
export function resumeSegment(transaction: StatementTransaction, request: ResumeSegmentRequest): Promise<Segment> {
  return setState(transaction, request, ({ state }) => (state === SegmentState.PAUSED ? SegmentState.BUILDING : state));
}

async function setState(
  transaction: StatementTransaction,
  { id, etag }: PauseSegmentRequest,
  next: (segment: Segment) => SegmentState,
): Promise<Segment> {
  const { record, ...known } = await readForChange(transaction, segments, id);
  const before = await liveRecord(transaction, segments, id, record);
  checkEtag(etag, etagVersion(before.etag));
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
