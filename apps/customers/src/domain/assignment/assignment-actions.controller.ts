import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Empty } from '@rapport/contracts/google/protobuf/empty';
import {
  AssignmentActionsServiceService as Methods,
  type AssignmentActionsServiceServer,
  type AssignRecordRequest,
  type AssignRecordResponse,
  type ReportUserStatesRequest,
} from '@rapport/contracts/rapport/work/v1/assignment_actions_service';
import { checkEtag, etagVersion, runStatements, tenantSession, type StatementTransaction } from '@rapport/persistence';
import { allows, currentCaller, invalidField, permissionMissing, requireSync } from '@rapport/platform';
import { assignOwners } from '../../engine/assignment/assign-owners.js';
import { storeUserStates } from '../../engine/assignment/store-user-states.js';
import type { RecordMessage } from '../../engine/fields/record-definition.js';
import { permissionOf } from '../../engine/fields/record-names.js';
import type { RecordType } from '../../engine/fields/record-type.js';
import { liveRecord } from '../../engine/records/missing-record.js';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { changeRecord, readForChange } from '../../engine/write/write-record.js';
import { ruledType } from './assignment-rules.js';

@Controller()
@ImplementsService(Methods)
export class AssignmentActionsController implements ServiceHandlers<AssignmentActionsServiceServer> {
  constructor(private readonly em: EntityManager) {}

  assignRecord(request: AssignRecordRequest): Promise<AssignRecordResponse> {
    const type = targetType(request);
    return hotWriteCall(this.em, Methods.assignRecord, request, (each) => assignRecord(each, type, request));
  }

  async reportUserStates({ tenantId, states }: ReportUserStatesRequest): Promise<Empty> {
    // Sync carries the states of users from auth.
    requireSync();
    const em = this.em.fork({ session: tenantSession(tenantId) });
    await em.transactional((transaction) => runStatements(transaction, storeUserStates(tenantId, states)));
    return {};
  }
}

/** The type of the record, which the caller may read and write. @throws AppError INVALID_ARGUMENT, PERMISSION_DENIED */
function targetType({ target }: AssignRecordRequest): RecordType {
  const type = target && ruledType(target);
  if (!type) throw invalidField('target.recordType', 'RECORD_TYPE_UNKNOWN', 'must be a type of records with owners');
  const { permissions } = currentCaller();
  const missing = (['read', 'write'] as const)
    .map((verb) => permissionOf(type, verb))
    .find((needed) => !allows(permissions, needed));
  if (missing !== undefined) throw permissionMissing(missing);
  return type;
}

async function assignRecord(
  transaction: StatementTransaction,
  type: RecordType,
  { target, etag }: AssignRecordRequest,
): Promise<AssignRecordResponse> {
  const id = target?.recordId ?? '';
  const { record, ...known } = await readForChange(transaction, type, id);
  const before = await liveRecord<RecordMessage>(transaction, type, id, record);
  checkEtag(etag, etagVersion(before.etag));
  const { owners, choices, statements } = await assignOwners(transaction, type, [{ ...before, ownerId: undefined }]);
  const ownerId = owners.get(before.id) ?? before.ownerId;
  const after = await changeRecord(transaction, type, before, known, {
    changes: { ...before, ownerId },
    mask: ['ownerId'],
  });
  transaction.later(...statements);
  return { assignment: choices[0], ownerId: after.ownerId, recordEtag: after.etag };
}
