import type {
  StoreAttachmentRequest,
  StoreAttachmentResponse,
} from '@rapport/contracts/rapport/content/v1/mail_intake_service';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller, cutText, invalidField } from '@rapport/platform';
import { v5 as uuidv5 } from 'uuid';
import { openFile } from '../../engine/files/sealed-files.js';
import { storeFile } from '../../engine/files/store-file.js';
import { visibleFileName } from '../files/file-name.js';
import { sniffContentType, sniffedBytes } from '../files/sniff-content-type.js';
import { messages } from '../messages/messages.js';
import { lockMessage } from '../messages/stored-messages.js';
import { maxAttachmentBytes, tooLarge } from './store-messages.js';

/** An attachment that has come whole. */
export interface ReceivedAttachment extends Omit<StoreAttachmentRequest, 'data'> {
  data: Buffer;
}

/** The attachment of a stream. @throws AppError INVALID_ARGUMENT MESSAGE_TOO_LARGE */
export async function receiveAttachment(requests: AsyncIterable<StoreAttachmentRequest>): Promise<ReceivedAttachment> {
  let first: StoreAttachmentRequest | undefined;
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const request of requests) {
    first ??= request;
    parts.push(request.data);
    size += request.data.length;
    if (size > maxAttachmentBytes) throw tooLarge('file');
  }
  if (!first) throw invalidField('messageId', 'REQUIRED', 'is required');
  return { ...first, data: Buffer.concat(parts) };
}

/** Handles StoreAttachment. The id of the file follows from the part, so that a repeated call finds it. */
export async function storeAttachment(
  transaction: StatementTransaction,
  { messageId, part, name, contentType, data }: ReceivedAttachment,
): Promise<StoreAttachmentResponse> {
  await lockMessage(transaction, messageId);
  const id = uuidv5(`part ${part}`, messageId);
  const sniffed = sniffContentType(data.subarray(0, sniffedBytes), contentType === '' ? undefined : contentType);
  const [known] = await transaction.rows<{ id: string; name: string; sha256: string; size: number; type: string }>({
    name: 'file_of_part',
    sql: `select id, name, sha256, size_bytes as size, content_type as type from file where tenant_id = $1 and id = $2`,
    values: [currentCaller().tenantId, id],
  });
  if (known) {
    const { sha256 = '' } = await openFile(known);
    return { fileId: id, sizeBytes: known.size, sha256, contentType: known.type };
  }
  const { sha256 } = await storeFile(transaction, {
    ...{ id, type: messages, recordId: messageId, contentType: sniffed, data },
    name: visibleFileName(cutText(name, 255)) ?? 'attachment',
  });
  return { fileId: id, sizeBytes: data.length, sha256, contentType: sniffed };
}
