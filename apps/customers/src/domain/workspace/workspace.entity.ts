import { defineEntity, p } from '@mikro-orm/postgresql';
import { recordIsolation, tenantIsolation } from '@rapport/persistence';
import { ofNobody } from '../../engine/records/scope/scope-conditions.js';
import { sealedOnly } from '../../engine/sealing/sealed-only.js';

const WorkspacePieceSchema = defineEntity({
  name: 'WorkspacePiece',
  tableName: 'workspace_piece',
  ...recordIsolation(ofNobody, sealedOnly('key_subject is not null')),
  properties: {
    tenantId: p.uuid().primary(),
    operationId: p.uuid().primary(),
    /** Offset of the piece. */
    start: p.bigint('number').primary(),
    /** At most 256 KiB, plus 28 bytes when encrypted. */
    data: p.blob(),
    /** The subject of the key that encrypts the archive. Null for plain bytes. */
    keySubject: p.uuid().nullable(),
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
