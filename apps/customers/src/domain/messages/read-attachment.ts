import type { EntityManager } from '@mikro-orm/postgresql';
import type {
  ReadOutgoingAttachmentRequest,
  ReadOutgoingAttachmentResponse,
} from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import { queryRows } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import type { Message } from '@rapport/contracts/rapport/content/v1/message';
import type { FileStore } from '../../engine/files/file-store.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { bytesOf } from '../files/download-file.js';
import { messages } from './messages.js';

/** Handles ReadOutgoingAttachment. @throws AppError NOT_FOUND for a file that is not attached to the message, or was deleted */
export async function* readAttachment(
  em: EntityManager,
  store: FileStore,
  { messageId, fileId }: ReadOutgoingAttachmentRequest,
): AsyncGenerator<ReadOutgoingAttachmentResponse, void> {
  const rows = await queryRows<StoredRecord<Message>>(em, liveRecords(messages, [messageId]));
  const [message] = await openStored(messages, rows);
  const size = message?.attachments.some((each) => each.fileId === fileId) && (await sizeOf(em, fileId));
  if (size === undefined || size === false) throw new AppError('NOT_FOUND', 'FILE_NOT_FOUND', 'There is no such file.');
  for await (const data of store.read(em, () => bytesOf(em, fileId), { from: 0, to: size })) yield { data };
}

/** Number of bytes of a live file. */
export async function sizeOf(em: EntityManager, fileId: string): Promise<number | undefined> {
  const [file] = await queryRows<{ size: number }>(em, {
    name: 'size_of_file',
    sql: 'select size_bytes as size from file where tenant_id = $1 and id = $2 and delete_time is null',
    values: [currentCaller().tenantId, fileId],
  });
  return file?.size;
}
