import { createHash } from 'node:crypto';
import { MessageDirection, MessageState, type Message } from '@rapport/contracts/rapport/content/v1/message';
import type {
  StoredItem,
  StoredMessage,
  StoreLargeMessageRequest,
  StoreMessagesRequest,
} from '@rapport/contracts/rapport/content/v1/mail_intake_service';
import type { StatementTransaction } from '@rapport/persistence';
import { AppError, currentCaller, invalidField } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { storeFile } from '../../engine/files/store-file.js';
import { messages } from '../messages/messages.js';
import { insertMessages, readMessages } from '../messages/stored-messages.js';

/** Most bytes of a message, which are in memory while it is stored. */
const maxBytes = 50 * 1_024 * 1_024;

/** The messages of a mailbox. */
export type MailboxItems = Pick<StoreMessagesRequest, 'mailboxId' | 'items'>;

/** What a stream of one message asks for. */
type ReceivedItem = MailboxItems & Pick<StoreMessagesRequest, 'tenantId' | 'principalId'>;

/**
 * Handles StoreMessages. The place in the mailbox is the identity of a message: what it says about itself, such as its
 * `Message-ID`, is not.
 *
 * @returns in the order of the items
 */
export async function storeMessages(
  transaction: StatementTransaction,
  { mailboxId, items }: MailboxItems,
): Promise<StoredMessage[]> {
  for (const [index, item] of items.entries()) checkHash(item, `items[${index}].sha256`);
  const wanted = items.map((item) => ({ id: uuidv7(), item }));
  const taken = await takePlaces(transaction, mailboxId, wanted);
  const fresh = wanted.filter(({ id }) => taken.has(id));
  const made = await insertMessages(
    transaction,
    await Promise.all(fresh.map((each) => contentOf(transaction, mailboxId, each))),
  );
  transaction.later(parseJobs(mailboxId, fresh));
  const known =
    fresh.length < wanted.length ? await knownPlaces(transaction, mailboxId, items) : new Map<string, string>();
  const stored = new Map(
    [...made, ...(await readMessages(transaction, [...known.values()]))].map((each) => [each.id, each]),
  );
  return wanted.map(({ id, item }) => {
    const messageId = taken.has(id) ? id : (known.get(placeOf(item)) ?? '');
    const { rawSha256: sha256, state = MessageState.UNSPECIFIED, ticketId } = stored.get(messageId) ?? {};
    return { messageId, created: taken.has(id), sha256, state, ticketId };
  });
}

/** The message of a stream: its place, and all of its bytes. @throws AppError INVALID_ARGUMENT MESSAGE_TOO_LARGE */
export async function receiveItem(requests: AsyncIterable<StoreLargeMessageRequest>): Promise<ReceivedItem> {
  let first: StoreLargeMessageRequest | undefined;
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const request of requests) {
    first ??= request;
    const data = request === first ? (request.item?.raw ?? request.data) : request.data;
    parts.push(data);
    size += data.length;
    if (size > maxBytes) throw tooLarge('message');
  }
  if (!first?.item) throw invalidField('item', 'REQUIRED', 'is required');
  const { tenantId, mailboxId, item, principalId } = first;
  return { tenantId, mailboxId, items: [{ ...item, raw: Buffer.concat(parts) }], principalId };
}

/** @param what is too large, in words */
export function tooLarge(what: string): AppError {
  return new AppError('INVALID_ARGUMENT', 'MESSAGE_TOO_LARGE', `A ${what} has at most ${maxBytes} bytes.`);
}

/** Most bytes of an attachment, which are in memory while it is stored. */
export const maxAttachmentBytes = maxBytes;

function checkHash({ raw, sha256 }: StoredItem, field: string): void {
  if (sha256 === '' || sha256 === hashOf(raw)) return;
  throw invalidField(field, 'SHA256_DIFFERS', 'does not match the bytes');
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

interface Wanted {
  id: string;
  item: StoredItem;
}

async function contentOf(
  transaction: StatementTransaction,
  mailboxId: string,
  { id, item: { raw, internalDate, envelope } }: Wanted,
): Promise<Partial<Message> & { id: string }> {
  const file = await storeFile(transaction, {
    ...{ type: messages, recordId: id, name: 'message.eml', contentType: 'message/rfc822' },
    data: Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength),
  });
  return {
    ...{ id, direction: MessageDirection.IN, state: MessageState.STORED, mailboxId },
    ...{ rawFileId: file.id, rawSha256: file.sha256, sizeBytes: raw.length },
    ...{ receiveTime: internalDate ?? new Date().toISOString(), envelope },
  };
}

/** Takes the places of messages that are not stored yet. @returns the ids of those */
async function takePlaces(
  transaction: StatementTransaction,
  mailboxId: string,
  wanted: readonly Wanted[],
): Promise<Set<string>> {
  const rows = wanted.map(({ id, item: { folder, uidValidity, uid } }) => ({ id, folder, uidValidity, uid }));
  const taken = await transaction.rows<{ id: string }>({
    name: 'take_mail_places',
    sql: `insert into mail_place (tenant_id, mailbox_id, folder, uid_validity, uid, message_id)
      select $1, $2, folder, "uidValidity", uid, id
      from jsonb_to_recordset($3) as wanted (id uuid, folder text, "uidValidity" bigint, uid bigint)
      order by folder, "uidValidity", uid
      on conflict (tenant_id, mailbox_id, folder, uid_validity, uid) do nothing returning message_id as id`,
    values: [currentCaller().tenantId, mailboxId, JSON.stringify(rows)],
  });
  return new Set(taken.map(({ id }) => id));
}

/** The messages in places, by place. */
async function knownPlaces(
  transaction: StatementTransaction,
  mailboxId: string,
  items: readonly StoredItem[],
): Promise<Map<string, string>> {
  const places = items.map(({ folder, uidValidity, uid }) => ({ folder, uidValidity, uid }));
  const rows = await transaction.rows<{ folder: string; uid_validity: string; uid: string; id: string }>({
    name: 'known_mail_places',
    sql: `select folder, uid_validity::text, uid::text, message_id as id from mail_place
      where tenant_id = $1 and mailbox_id = $2 and (folder, uid_validity, uid) in (
        select folder, "uidValidity", uid from jsonb_to_recordset($3) as known (folder text, "uidValidity" bigint, uid bigint))`,
    values: [currentCaller().tenantId, mailboxId, JSON.stringify(places)],
  });
  return new Map(
    rows.map(({ folder, uid_validity: uidValidity, uid, id }) => [
      placeOf({ folder, uidValidity: Number(uidValidity), uid: Number(uid) }),
      id,
    ]),
  );
}

function placeOf({ folder, uidValidity, uid }: Pick<StoredItem, 'folder' | 'uidValidity' | 'uid'>): string {
  return `${uidValidity} ${uid} ${folder}`;
}

function parseJobs(mailboxId: string, fresh: readonly Wanted[]) {
  return {
    name: 'insert_parse_jobs',
    sql: `insert into mail_job (tenant_id, message_id, kind, mailbox_id)
      select $1, id, 'PARSE', $2 from unnest($3::uuid[]) as id`,
    values: [currentCaller().tenantId, mailboxId, fresh.map(({ id }) => id)],
  };
}
