import { defineEntity, p } from '@mikro-orm/postgresql';
import { recordIsolation, seenIf, tenantIsolation } from '@rapport/persistence';
import type { Leftovers } from '../operations/operation-kind.js';
import { sealedOnly } from '../sealing/sealed-only.js';

/** Names and bytes of files are not sealed: a tenant whose personal data is encrypted has none. */
const neverSealed = sealedOnly('false');

const ofAnyRecord = recordIsolation(seenIf('sees_record(record_table, record)'), neverSealed);

const FileContentSchema = defineEntity({
  name: 'FileContent',
  tableName: 'file_content',
  ...tenantIsolation,
  properties: {
    tenantId: p.uuid().primary(),
    /** In lower-case hexadecimal. */
    sha256: p.text().primary(),
    /** Names the pieces that have the bytes: the id of the first upload of them. */
    contentId: p.uuid(),
    sizeBytes: p.integer(),
  },
  indexes: [
    {
      name: 'file_content_by_content',
      expression: 'create unique index file_content_by_content on file_content (tenant_id, content_id)',
    },
  ],
});

/** Bytes that files of a tenant share. */
export class FileContent extends FileContentSchema.class {}
FileContentSchema.setClass(FileContent);

const FilePieceSchema = defineEntity({
  name: 'FilePiece',
  tableName: 'file_piece',
  ...tenantIsolation,
  policies: [...tenantIsolation.policies, neverSealed],
  properties: {
    tenantId: p.uuid().primary(),
    contentId: p.uuid().primary(),
    /** Number of bytes before it. */
    start: p.integer().primary(),
    /** At most 256 KiB. */
    data: p.blob(),
  },
});

/** Some of the bytes of a file, or of an upload. */
export class FilePiece extends FilePieceSchema.class {}
FilePieceSchema.setClass(FilePiece);

const FileSchema = defineEntity({
  name: 'File',
  tableName: 'file',
  ...ofAnyRecord,
  properties: {
    tenantId: p.uuid().primary(),
    id: p.uuid().primary(),
    /** Resource name, such as `deals/{id}`. */
    record: p.text().collation('C'),
    /** Table of the record, such as `deal`. */
    recordTable: p.text(),
    name: p.text(),
    contentType: p.text(),
    sizeBytes: p.integer(),
    /** [tenant id, hash], as the composite foreign key has it. */
    sha256: () =>
      p
        .manyToOne(FileContent)
        .mapToPk()
        .joinColumns('tenant_id', 'sha256')
        .ownColumns('sha256')
        .referencedColumnNames('tenant_id', 'sha256')
        .foreignKeyName('file_content')
        .deleteRule('no action')
        .updateRule('no action'),
    version: p.integer(),
    createTime: p.datetime(3),
    createdBy: p.text(),
  },
  indexes: [
    { name: 'file_by_record', properties: ['tenantId', 'record', 'id'] },
    { name: 'file_by_sha256', properties: ['sha256'] },
  ],
});

/** A file of a record. Only its record ever changes, by merges. */
export class File extends FileSchema.class {}
FileSchema.setClass(File);

/** The hash of a file's bytes, of its composite reference. */
export function hashOf({ sha256 }: Pick<File, 'sha256'>): string {
  return sha256[1] ?? '';
}

const FileUploadSchema = defineEntity({
  name: 'FileUpload',
  tableName: 'file_upload',
  ...ofAnyRecord,
  properties: {
    tenantId: p.uuid().primary(),
    id: p.uuid().primary(),
    record: p.text().collation('C'),
    recordTable: p.text(),
    name: p.text(),
    contentType: p.text().nullable(),
    sizeBytes: p.integer().nullable(),
    sha256: p.text().nullable(),
    receivedBytes: p.integer(),
    expireTime: p.datetime(3),
    createdBy: p.text(),
  },
  indexes: [{ name: 'file_upload_by_record', properties: ['tenantId', 'record'] }],
});

/** An upload that is not complete. */
export class FileUpload extends FileUploadSchema.class {}
FileUploadSchema.setClass(FileUpload);

const FileUsageSchema = defineEntity({
  name: 'FileUsage',
  tableName: 'file_usage',
  ...tenantIsolation,
  properties: {
    tenantId: p.uuid().primary(),
    /** Of all pieces: triggers count them. */
    bytes: p.bigint(),
  },
});

/** What the files and uploads of a tenant take. */
export class FileUsage extends FileUsageSchema.class {}
FileUsageSchema.setClass(FileUsage);

/** What is left of an upload that was given up, or of bytes that no file has any more: its job has the id of both. */
export const fileLeftovers: readonly Leftovers[] = [
  { table: 'file_upload', limit: 1, column: 'id' },
  {
    table: 'file_piece',
    limit: 32,
    column: 'content_id',
    // Of an upload that was completed when its time was up.
    unless: `exists (select from file_content used
      where used.tenant_id = file_piece.tenant_id and used.content_id = file_piece.content_id)`,
  },
];
