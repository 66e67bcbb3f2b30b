import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import {
  DeletePolicy,
  EmptyRule,
  FieldAuthority,
  FieldTransform,
  MappingState,
  MergePolicy,
  SyncDirection,
  type FieldMapping,
  type Mapping as MappingMessage,
} from '@rapport/contracts/rapport/sync/v1/mappings_service';
import { formatEtag } from '@rapport/persistence';
import type { FieldRule } from '../../exchange/mappings/field-rule.js';
import type { Mapping } from '../../exchange/mappings/mapping.entity.js';

/** @param isBackfilled see `mapping_progress` */
export function mappingMessage(mapping: Mapping, isBackfilled: boolean): MappingMessage {
  return {
    id: mapping.id,
    connectionId: mapping.connectionId,
    object: mapping.object,
    recordType: mapping.recordType,
    customerKind: CustomerKind[mapping.customerKind ?? 'UNSPECIFIED'],
    fields: mapping.fields.map(fieldMessage),
    direction: SyncDirection[mapping.direction],
    policy: MergePolicy[mapping.policy],
    timeField: mapping.timeField ?? undefined,
    deletePolicy: DeletePolicy[mapping.deletePolicy],
    maxDeletes: mapping.maxDeletes,
    matchFields: mapping.matchFields,
    externalIdSystem: mapping.externalIdSystem ?? undefined,
    filter: mapping.filter ?? undefined,
    defaults: Object.keys(mapping.defaults).length > 0 ? mapping.defaults : undefined,
    state: MappingState[mapping.state],
    errorReason: mapping.errorReason ?? undefined,
    errorMessage: mapping.errorMessage ?? undefined,
    isBackfilled,
    // Only the peer knows it.
    notes: [],
    etag: formatEtag(mapping.version),
    createTime: mapping.createTime.toISOString(),
    updateTime: mapping.updateTime.toISOString(),
  };
}

function fieldMessage({ transform, authority, onEmpty, policy, ...rule }: FieldRule): FieldMapping {
  return {
    ...rule,
    toCustomer: rule.toCustomer,
    toPeer: rule.toPeer,
    referenceMappingId: rule.referenceMappingId,
    transform: FieldTransform[transform],
    authority: FieldAuthority[authority],
    onEmpty: EmptyRule[onEmpty],
    policy: MergePolicy[policy ?? 'UNSPECIFIED'],
  };
}
