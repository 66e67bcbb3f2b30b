import type { EntityManager } from '@mikro-orm/postgresql';
import { MessageDirection, type Message } from '@rapport/contracts/rapport/content/v1/message';
import type {
  ClaimStoredMessagesRequest,
  ClaimStoredMessagesResponse,
  ListStoredMessagesRequest,
  ListStoredMessagesResponse,
} from '@rapport/contracts/rapport/content/v1/mail_intake_service';
import { queryRows, type StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { FileStore } from '../../engine/files/file-store.js';
import { liveRecord } from '../../engine/records/missing-record.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { bytesOf } from '../files/download-file.js';
import { messageDomain, readMailAddresses } from '../messages/mail-addresses.js';
import { messages } from '../messages/messages.js';
import { sizeOf } from '../messages/read-attachment.js';
import { readMessages } from '../messages/stored-messages.js';

const defaultLimit = 20;
const defaultLeaseSeconds = 120;
const pageSize = 200;

/** Handles ClaimStoredMessages. */
export async function claimStored(
  transaction: StatementTransaction,
  { limit = defaultLimit, leaseSeconds = defaultLeaseSeconds, returnedMessageIds }: ClaimStoredMessagesRequest,
): Promise<ClaimStoredMessagesResponse> {
  if (returnedMessageIds.length > 0) {
    await transaction.run({
      name: 'return_stored_messages',
      sql: `update mail_job set attempts = greatest(attempts - 1, 0), lease_end_time = null
        where tenant_id = $1 and message_id = any ($2::uuid[]) and kind = 'PARSE'`,
      values: [currentCaller().tenantId, returnedMessageIds],
    });
  }
  const leased = await transaction.rows<{ id: string; attempts: number }>({
    name: 'lease_stored_messages',
    sql: `update mail_job set attempts = attempts + 1, lease_end_time = rapport_clock() + $3 * interval '1 second'
      where tenant_id = $1 and message_id = any (array(select message_id from mail_job
        where tenant_id = $1 and kind = 'PARSE' and (lease_end_time is null or lease_end_time <= rapport_clock())
        order by message_id limit $2 for update skip locked))
      returning message_id as id, attempts`,
    values: [currentCaller().tenantId, limit, leaseSeconds],
  });
  if (leased.length === 0) return { messages: [] };
  const attempts = new Map(leased.map(({ id, attempts: count }) => [id, count]));
  const stored = await readMessages(transaction, [...attempts.keys()]);
  const mailboxes = await readMailAddresses(transaction);
  const ownAddresses = mailboxes.map(({ address }) => address.toLowerCase());
  const ownDomains = [...new Set(mailboxes.map(messageDomain))];
  const found = stored.toSorted((one, other) => (one.id < other.id ? -1 : 1));
  return {
    messages: found.map((message) => ({
      ...{ messageId: message.id, mailboxId: message.mailboxId ?? '', sha256: message.rawSha256 ?? '' },
      ...{ sizeBytes: message.sizeBytes ?? 0, attempts: attempts.get(message.id) ?? 1 },
      ...{ receiveTime: message.receiveTime, envelope: message.envelope, ownAddresses, ownDomains },
    })),
  };
}

/** The bytes of a received message as they came, one piece at a time. @throws AppError NOT_FOUND */
export async function* rawBytes(em: EntityManager, store: FileStore, id: string): AsyncGenerator<Buffer, void> {
  const { fileId, size } = await rawFile(em, id);
  if (fileId === undefined || size === undefined) return;
  yield* store.read(em, () => bytesOf(em, fileId), { from: 0, to: size });
}

/** The file with the bytes of a received message. Nothing of it for a message that was sent, or whose bytes were erased. */
export async function rawFile(
  em: EntityManager,
  id: string,
): Promise<{ isReceived: boolean; fileId: string | undefined; size: number | undefined }> {
  const rows = await queryRows<StoredRecord<Message>>(em, liveRecords(messages, [id]));
  const [stored] = await openStored(messages, rows);
  const { direction, rawFileId: fileId } = await liveRecord(em, messages, id, stored);
  const isReceived = direction === MessageDirection.IN;
  return { isReceived, fileId, size: fileId === undefined ? undefined : await sizeOf(em, fileId) };
}

/** Handles ListStoredMessages. */
export async function listStored(
  transaction: StatementTransaction,
  { tenantId, mailboxId, folder, uidValidity, afterUid }: ListStoredMessagesRequest,
): Promise<ListStoredMessagesResponse> {
  const places = await transaction.rows<{ uid: string; id: string }>({
    name: 'places_of_folder',
    sql: `select uid::text, message_id as id from mail_place
      where tenant_id = $1 and mailbox_id = $2 and folder = $3 and uid_validity = $4 and uid > $5
      order by mail_place.uid limit ${pageSize}`,
    values: [tenantId, mailboxId, folder, uidValidity, afterUid],
  });
  const stored = await readMessages(
    transaction,
    places.map(({ id }) => id),
  );
  const hashes = new Map(stored.map(({ id, rawSha256 }) => [id, rawSha256]));
  return { messages: places.map(({ uid, id }) => ({ uid: Number(uid), sha256: hashes.get(id), messageId: id })) };
}
