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
    /** Number of bytes of the archive before it. */
    start: p.bigint('number').primary(),
    /** At most 256 KiB. */
    data: p.blob(),
  },
});

/** A piece of the archive of an operation. */
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

/** Of a tenant whose suppressions come from the archive of another one: what hashes of addresses are made with in place of its id. */
export class SuppressionSpace extends SuppressionSpaceSchema.class {}
SuppressionSpaceSchema.setClass(SuppressionSpace);
