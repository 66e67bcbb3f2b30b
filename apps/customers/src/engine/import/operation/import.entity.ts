import { defineEntity, p } from '@mikro-orm/postgresql';
import { recordIsolation, tenantIsolation } from '@rapport/persistence';
import type { RecordMessage } from '../../fields/record-definition.js';
import { ofNobody } from '../../records/scope/scope-conditions.js';
import type { Leftovers } from '../../operations/operation-kind.js';
import type { MappingRules } from './mapping-rules.js';

const ImportPieceSchema = defineEntity({
  name: 'ImportPiece',
  tableName: 'import_piece',
  ...recordIsolation(ofNobody),
  properties: {
    tenantId: p.uuid().primary(),
    operationId: p.uuid().primary(),
    /** Number of bytes of the file before it. */
    start: p.integer().primary(),
    /** At most 1 MiB. */
    data: p.blob(),
  },
});

/** A piece of a file that is to be imported. Goes when its operation ends. */
export class ImportPiece extends ImportPieceSchema.class {}
ImportPieceSchema.setClass(ImportPiece);

// The release before runs beside this one, so `customerId` and `customer` keep their names: they have records of the type of the
// operation.

const ImportMetSchema = defineEntity({
  name: 'ImportMet',
  tableName: 'import_met',
  ...recordIsolation(ofNobody),
  properties: {
    tenantId: p.uuid().primary(),
    operationId: p.uuid().primary(),
    customerId: p.uuid().primary(),
    /** Whether a row gave its name. */
    named: p.boolean(),
  },
});

/** A record that a row of the file has met or created. Goes when the operation ends. */
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
    /** What the record was; null for one that the import created. */
    before: p.json<RecordMessage>().nullable(),
    /** The version that the import left it with; 0 when another write came between two of the import's own. */
    version: p.integer(),
  },
});

/** What an import did to a record, so that it can be undone. Goes when it is. */
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
    /** Its name as ordered by, when it has no key to be known by. */
    keylessName: p.text().collation('C').nullable(),
  },
});

/** What a dry run would have made of a record so far. Goes when the operation ends. */
export class ImportDraft extends ImportDraftSchema.class {}
ImportDraftSchema.setClass(ImportDraft);

const ImportDraftKeySchema = defineEntity({
  name: 'ImportDraftKey',
  tableName: 'import_draft_key',
  ...recordIsolation(ofNobody),
  properties: {
    tenantId: p.uuid().primary(),
    operationId: p.uuid().primary(),
    /** Such as `EMAIL`: what the contract calls unique. */
    type: p.text().primary(),
    value: p.text().collation('C').primary(),
    customerId: p.uuid(),
  },
});

/** A unique value that a dry run would have given to a record. Goes when the operation ends. */
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

/** A mapping of columns that imports can use again. */
export class ImportMapping extends ImportMappingSchema.class {}
ImportMappingSchema.setClass(ImportMapping);

/** What an import that has ended needs no more. */
export const importLeftovers: readonly Leftovers[] = [
  { table: 'import_piece', limit: 32 },
  { table: 'import_met', limit: 1_000 },
  { table: 'import_draft', limit: 500 },
  { table: 'import_draft_key', limit: 1_000 },
];
