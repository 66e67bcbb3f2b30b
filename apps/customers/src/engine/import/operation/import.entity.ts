import { defineEntity, p } from '@mikro-orm/postgresql';
import { recordIsolation, tenantIsolation } from '@rapport/persistence';
import type { RecordMessage } from '../../fields/record-definition.js';
import { ofNobody } from '../../records/scope/scope-conditions.js';
import { sealedOnly } from '../../sealing/sealed-only.js';
import type { Leftovers } from '../../operations/operation-kind.js';
import type { MappingRules } from './mapping-rules.js';

/** A file that its process encrypts itself has no operation. */
const hasNoOperation = `not exists (
          select from operation where operation.tenant_id = import_piece.tenant_id and operation.id = operation_id
        )`;

const ImportPieceSchema = defineEntity({
  name: 'ImportPiece',
  tableName: 'import_piece',
  ...recordIsolation(ofNobody, sealedOnly(`key_subject is not null or ${hasNoOperation}`)),
  properties: {
    tenantId: p.uuid().primary(),
    operationId: p.uuid().primary(),
    /** Offset of the piece. */
    start: p.integer().primary(),
    /** At most 1 MiB, plus 28 bytes when encrypted. */
    data: p.blob(),
    /** The subject of the key that encrypts the file of an operation. Null for plain bytes. */
    keySubject: p.uuid().nullable(),
  },
});

/** A piece of an uploaded import file. Deleted when its operation ends. */
export class ImportPiece extends ImportPieceSchema.class {}
ImportPieceSchema.setClass(ImportPiece);

// `customerId` and `customer` keep the names of an earlier release, which runs beside this one: they contain records of
// the operation's type.

const ImportMetSchema = defineEntity({
  name: 'ImportMet',
  tableName: 'import_met',
  ...recordIsolation(ofNobody),
  properties: {
    tenantId: p.uuid().primary(),
    operationId: p.uuid().primary(),
    customerId: p.uuid().primary(),
    /** Whether a row set its name. */
    named: p.boolean(),
  },
});

/** A record that a row of the file has matched or created. Deleted when the operation ends. */
export class ImportMet extends ImportMetSchema.class {}
ImportMetSchema.setClass(ImportMet);

const ImportChangeSchema = defineEntity({
  name: 'ImportChange',
  tableName: 'import_change',
  ...recordIsolation(ofNobody),
  properties: {
    tenantId: p.uuid().primary(),
    operationId: p.uuid().primary(),
    customerId: p.uuid().primary(),
    /** The record before the import; null for one that the import created. */
    before: p.json<RecordMessage>().nullable(),
    /** The version after the import; 0 when another write came between two of the import's own. */
    version: p.integer(),
  },
});

/** A change of an import to a record, for undo. Deleted when it is undone. */
export class ImportChange extends ImportChangeSchema.class {}
ImportChangeSchema.setClass(ImportChange);

const ImportDraftSchema = defineEntity({
  name: 'ImportDraft',
  tableName: 'import_draft',
  ...recordIsolation(ofNobody),
  indexes: [
    {
      name: 'import_draft_by_name',
      properties: ['tenantId', 'operationId', 'keylessName'],
      where: 'keyless_name is not null',
    },
  ],
  properties: {
    tenantId: p.uuid().primary(),
    operationId: p.uuid().primary(),
    customerId: p.uuid().primary(),
    customer: p.json<RecordMessage>(),
    /** Its name in sortable form, when it has no unique values. */
    keylessName: p.text().collation('C').nullable(),
  },
});

/** A record as a dry run would have left it so far. Deleted when the operation ends. */
export class ImportDraft extends ImportDraftSchema.class {}
ImportDraftSchema.setClass(ImportDraft);

const ImportDraftKeySchema = defineEntity({
  name: 'ImportDraftKey',
  tableName: 'import_draft_key',
  ...recordIsolation(ofNobody),
  properties: {
    tenantId: p.uuid().primary(),
    operationId: p.uuid().primary(),
    /** Type of the unique value, such as `EMAIL`. */
    type: p.text().primary(),
    value: p.text().collation('C').primary(),
    customerId: p.uuid(),
  },
});

/** A unique value that a dry run would have given to a record. Deleted when the operation ends. */
export class ImportDraftKey extends ImportDraftKeySchema.class {}
ImportDraftKeySchema.setClass(ImportDraftKey);

const ImportMappingSchema = defineEntity({
  name: 'ImportMapping',
  tableName: 'import_mapping',
  ...tenantIsolation,
  properties: {
    tenantId: p.uuid().primary(),
    key: p.text().collation('C').primary(),
    rules: p.json<MappingRules>(),
    updateTime: p.datetime(3),
  },
});

/** A saved column mapping. */
export class ImportMapping extends ImportMappingSchema.class {}
ImportMappingSchema.setClass(ImportMapping);

/** Tables that a finished import no longer needs. */
export const importLeftovers: readonly Leftovers[] = [
  { table: 'import_piece', limit: 32 },
  { table: 'import_met', limit: 1_000 },
  { table: 'import_draft', limit: 500 },
  { table: 'import_draft_key', limit: 1_000 },
];
