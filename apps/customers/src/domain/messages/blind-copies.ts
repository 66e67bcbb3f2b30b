import type { Message } from '@rapport/contracts/rapport/content/v1/message';
import { MessageActionsServiceService as Methods } from '@rapport/contracts/rapport/content/v1/message_actions_service';
import type {
  GetMessageBccRequest,
  GetMessageBccResponse,
} from '@rapport/contracts/rapport/content/v1/message_actions_service';
import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { liveRecord } from '../../engine/records/missing-record.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { currentSeal } from '../../engine/sealing/seal.js';
import { openPart, storedPart, type SealedType } from '../../engine/sealing/sealed-messages.js';
import { methodDescriptor } from '../../engine/values/contract.js';
import { messages } from './messages.js';

/** The recipients of blind copies are not part of a message, which others read: they are with its envelope, sealed as it is. */
const sealedCopies: SealedType<never> = {
  message: methodDescriptor(Methods.getMessageBcc.path).output,
  subjectOf: () => '',
};

/** The text to store. Null for a message without blind copies. */
export async function sealedBcc(message: Message, bcc: readonly string[]): Promise<string | null> {
  if (bcc.length === 0) return null;
  const subject = messages.subjectOf(message);
  await currentSeal()?.prepare([subject]);
  return JSON.stringify(storedPart(sealedCopies, subject, { bccAddresses: [...bcc] }).bccAddresses);
}

/** The addresses in a stored text. */
export async function openBcc(stored: string | null): Promise<string[]> {
  if (stored === null) return [];
  const { bccAddresses } = await openPart(sealedCopies, { bccAddresses: JSON.parse(stored) as string[] });
  return bccAddresses;
}

/**
 * Handles GetMessageBcc.
 *
 * @throws AppError NOT_FOUND, PERMISSION_DENIED NOT_SENDER
 */
export async function getMessageBcc(em: EntityManager, { id }: GetMessageBccRequest): Promise<GetMessageBccResponse> {
  const { tenantId, principalId } = currentCaller();
  const rows = await queryRows<StoredRecord<Message>>(em, liveRecords(messages, [id]));
  const [stored] = await openStored(messages, rows);
  const message = await liveRecord(em, messages, id, stored);
  if (message.createdBy !== principalId) {
    throw new AppError('PERMISSION_DENIED', 'NOT_SENDER', 'Only the sender of a message sees its blind copies.');
  }
  const [envelope] = await queryRows<{ bcc: string | null }>(em, {
    name: 'bcc_of_message',
    sql: 'select bcc from mail_envelope where tenant_id = $1 and message_id = $2',
    values: [tenantId, id],
  });
  return { bccAddresses: await openBcc(envelope?.bcc ?? null) };
}
