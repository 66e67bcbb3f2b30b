import { createHash } from 'node:crypto';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { recordName } from '../fields/record-names.js';
import type { RecordType } from '../fields/record-type.js';
import { pieceBytes } from './receive-upload.js';
import { keyOfFile, storedPersonal } from './sealed-files.js';

/** A file that the service makes itself. */
export interface MadeFile {
  /** New by default. */
  id?: string;
  type: RecordType;
  recordId: string;
  name: string;
  contentType: string;
  data: Buffer;
}

/**
 * Attaches a file to a record, in the transaction of the change that makes it: the bytes are there exactly if the change is. It
 * counts towards the tenant's quota, which does not refuse it.
 *
 * @returns its id, and the SHA-256 of its bytes in hexadecimal
 */
export async function storeFile(
  transaction: StatementTransaction,
  { id = uuidv7(), type, recordId, name, contentType, data }: MadeFile,
): Promise<{ id: string; sha256: string }> {
  const { tenantId, principalId } = currentCaller();
  const sha256 = createHash('sha256').update(data).digest('hex');
  const personal = await storedPersonal(id, { name, sha256 });
  const key = (await keyOfFile(personal)) ?? undefined;
  const now = new Date().toISOString();
  // Bytes of a made file are never shared: `file_content` has a hash only to share them.
  transaction.later({
    name: 'insert_made_content',
    sql: 'insert into file_content (tenant_id, content_id, sha256, size_bytes) values ($1, $2, null, $3)',
    values: [tenantId, id, data.length],
  });
  for (let start = 0; start < data.length; start += pieceBytes) {
    const piece = data.subarray(start, start + pieceBytes);
    transaction.later({
      name: 'insert_made_piece',
      sql: 'insert into file_piece (tenant_id, content_id, start, data, sealed) values ($1, $2, $3, $4, $5)',
      values: [tenantId, id, start, key ? key.sealBytes(piece, `${id} ${start}`) : piece, key !== undefined],
    });
  }
  transaction.later({
    name: 'insert_made_file',
    sql: `insert into file (tenant_id, id, record, record_table, name, content_type, size_bytes, sha256, content_id, version,
        create_time, update_time, created_by, updated_by)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $2, 1, $9, $9, $10, $10)`,
    values: [
      ...[tenantId, id, recordName(type.table, recordId), type.table, personal.name, contentType, data.length],
      ...[personal.sha256, now, principalId],
    ],
  });
  return { id, sha256 };
}
