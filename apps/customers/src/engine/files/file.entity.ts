import { defineEntity, p } from '@mikro-orm/postgresql';
import { recordIsolation, seenIf, tenantIsolation } from '@rapport/persistence';
import { sealedOnly } from '../sealing/sealed-only.js';

const isSeen = seenIf('sees_record(record_table, record)');

const FileContentSchema = defineEntity({
  name: 'FileContent',
  tableName: 'file_content',
  ...tenantIsolation,
  policies: [...tenantIsolation.policies, sealedOnly('sha256 is null')],
  properties: {
    tenantId: p.uuid().primary(),
    /** Content id of the pieces: the id of the first upload of these bytes. */
    contentId: p.uuid().primary(),
    /** In lower-case hexadecimal. Null for encrypted bytes, which files do not share. */
    sha256: p.text().nullable(),
    sizeBytes: p.integer(),
  },
  indexes: [
    {
      name: 'file_content_by_sha256',
      expression: 'create unique index file_content_by_sha256 on file_content (tenant_id, sha256)',
    },
  ],
});

/** Bytes that files of a tenant share, or encrypted bytes of one file. */
export class FileContent extends FileContentSchema.class {}
FileContentSchema.setClass(FileContent);

const FilePieceSchema = defineEntity({
  name: 'FilePiece',
  tableName: 'file_piece',
  ...tenantIsolation,
  policies: [...tenantIsolation.policies, sealedOnly('sealed')],
  properties: {
    tenantId: p.uuid().primary(),
    contentId: p.uuid().primary(),
    /** Offset of the piece. */
    start: p.integer().primary(),
    /** At most 256 KiB, plus 28 bytes when encrypted. */
    data: p.blob(),
    /** Whether the bytes are encrypted with the key of their file. */
    sealed: p.boolean().default(false),
  },
});

/** A piece of the bytes of a file, or of an upload. */
export class FilePiece extends FilePieceSchema.class {}
FilePieceSchema.setClass(FilePiece);

const FileSchema = defineEntity({
  name: 'File',
  tableName: 'file',
  ...recordIsolation(isSeen, sealedOnly('starts_with(name, chr(1)) and starts_with(sha256, chr(1))')),
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
    /** In lower-case hexadecimal. */
    sha256: p.text(),
    /** [tenant id, content id], like the composite foreign key. */
    content: () =>
      p
        .manyToOne(FileContent)
        .mapToPk()
        .joinColumns('tenant_id', 'content_id')
        .ownColumns('content_id')
        .referencedColumnNames('tenant_id', 'content_id')
        .foreignKeyName('file_content')
        .deleteRule('no action')
        .updateRule('no action'),
    version: p.integer(),
    createTime: p.datetime(3),
    updateTime: p.datetime(3),
    deleteTime: p.datetime(3).nullable(),
    createdBy: p.text(),
    updatedBy: p.text(),
  },
  indexes: [
    { name: 'file_by_record', properties: ['tenantId', 'record', 'id'] },
    { name: 'file_by_content', properties: ['content'] },
  ],
});

/** A file of a record. Name and hash are encrypted for an encrypted tenant. */
export class File extends FileSchema.class {}
FileSchema.setClass(File);

/** Content id of the file's pieces. */
export function contentIdOf({ content }: Pick<File, 'content'>): string {
  return content[1] ?? '';
}

const FileUploadSchema = defineEntity({
  name: 'FileUpload',
  tableName: 'file_upload',
  ...recordIsolation(
    isSeen,
    sealedOnly('starts_with(name, chr(1)) and (sha256 is null or starts_with(sha256, chr(1)))'),
  ),
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

/** An incomplete upload. */
export class FileUpload extends FileUploadSchema.class {}
FileUploadSchema.setClass(FileUpload);

const FileUsageSchema = defineEntity({
  name: 'FileUsage',
  tableName: 'file_usage',
  ...tenantIsolation,
  properties: {
    tenantId: p.uuid().primary(),
    /** Total of all pieces: triggers maintain it. */
    bytes: p.bigint(),
  },
});

/** The storage used by the files and uploads of a tenant. */
export class FileUsage extends FileUsageSchema.class {}
FileUsageSchema.setClass(FileUsage);
