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
  type MappingNote,
} from '@rapport/contracts/rapport/sync/v1/mappings_service';
import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import type { PeerDescription } from '../../connectors/description.js';
import type { FieldRule } from '../../exchange/mappings/field-rule.js';
import type { Mapping } from '../../exchange/mappings/mapping.entity.js';
import { defaultObject } from '../../exchange/mappings/records/exchanged-types.js';

export type MappingContent = Pick<
  Mapping,
  | 'object'
  | 'recordType'
  | 'customerKind'
  | 'fields'
  | 'direction'
  | 'policy'
  | 'timeField'
  | 'deletePolicy'
  | 'maxDeletes'
  | 'matchFields'
  | 'externalIdSystem'
  | 'filter'
  | 'defaults'
  | 'state'
>;

const defaultMaxDeletes = 20;

/** The content of a mapping as a caller requests it. */
export function mappingContent(wanted: MappingMessage): MappingContent {
  return {
    object: wanted.object ?? defaultObject,
    recordType: wanted.recordType,
    customerKind:
      wanted.customerKind === CustomerKind.UNSPECIFIED ? null : named(CustomerKind, wanted.customerKind, 'PERSON'),
    fields: wanted.fields.map(fieldRule),
    direction: named(SyncDirection, wanted.direction, 'BOTH'),
    policy: named(MergePolicy, wanted.policy, 'MANUAL'),
    timeField: wanted.timeField ?? null,
    deletePolicy: named(DeletePolicy, wanted.deletePolicy, 'PROPAGATE'),
    maxDeletes: wanted.maxDeletes || defaultMaxDeletes,
    matchFields: wanted.matchFields,
    externalIdSystem: wanted.externalIdSystem ?? null,
    filter: wanted.filter?.trim() ? wanted.filter : null,
    defaults: wanted.defaults ?? {},
    state: wanted.state === MappingState.PAUSED ? 'PAUSED' : 'ENABLED',
  };
}

/** Notes about records that the connection cannot exchange, though the mapping works. */
export function mappingNotes(content: MappingContent, { recordTypes }: PeerDescription): MappingNote[] {
  const type = recordTypes.find(({ name }) => name === content.recordType);
  if (!type || type.capabilities.create || content.direction === 'TO_CUSTOMERS') return [];
  const left = content.object.charAt(0).toUpperCase() + content.object.slice(1);
  const message = `${left} without a record stay without one. ${type.createDescription ?? 'The connection creates none.'}`;
  return [{ reason: 'RECORDS_NOT_CREATED', message }];
}

function fieldRule(field: FieldMapping): FieldRule {
  const { customerField, peerField, toCustomer, toPeer, policy, referenceMappingId } = field;
  return {
    customerField,
    peerField,
    transform: named(FieldTransform, field.transform, 'NONE'),
    ...(toCustomer !== undefined && { toCustomer }),
    ...(toPeer !== undefined && { toPeer }),
    authority: named(FieldAuthority, field.authority, 'BOTH'),
    onEmpty: named(EmptyRule, field.onEmpty, 'CLEAR'),
    ...(policy !== MergePolicy.UNSPECIFIED && { policy: named(MergePolicy, policy, 'MANUAL') }),
    ...(referenceMappingId !== undefined && { referenceMappingId }),
  };
}

/** The name of an enum value; the default for an unspecified one. */
function named<Name extends string>(type: Readonly<Record<number, string>>, value: number, unset: Name): Name {
  return value === 0 ? unset : (type[value] as Name);
}
