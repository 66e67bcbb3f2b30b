import { defineEntity, p } from '@mikro-orm/postgresql';
import { recordIsolation, tenantIsolation } from '@rapport/persistence';
import { ofNobody } from '../../engine/records/scope/scope-conditions.js';
import { sealedOnly } from '../../engine/sealing/sealed-only.js';

const WorkspacePieceSchema = defineEntity({
  name: 'WorkspacePiece',
  tableName: 'workspace_piece',
  ...recordIsolation(ofNobody, sealedOnly('false')),
  properties: {
    tenantId: p.uuid().primary(),
    operationId: p.uuid().primary(),
    /** Offset of the piece. */
    start: p.bigint('number').primary(),
    /** At most 256 KiB. */
    data: p.blob(),
  },
});

/** A piece of an operation's archive. */
export class WorkspacePiece extends WorkspacePieceSchema.class {}
WorkspacePieceSchema.setClass(WorkspacePiece);

const SuppressionSpaceSchema = defineEntity({
  name: 'SuppressionSpace',
  tableName: 'suppression_space',
  ...tenantIsolation,
  properties: {
    tenantId: p.uuid().primary(),
    space: p.uuid(),
  },
});

/**
 * For a tenant with suppressions from another tenant's archive: the replacement of the tenant id in hashes of
 * addresses.
 */
export class SuppressionSpace extends SuppressionSpaceSchema.class {}
SuppressionSpaceSchema.setClass(SuppressionSpace);
