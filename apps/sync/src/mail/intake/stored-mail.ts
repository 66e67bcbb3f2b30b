import { randomUUID } from 'node:crypto';
import type { ContractClient } from '@rapport/contracts';
import {
  MailIntakeServiceService as Intake,
  type ListStoredMessagesResponse,
  type StoredItem,
  type StoredMessage,
  type StoreLargeMessageRequest,
  type StoreMessagesResponse,
} from '@rapport/contracts/rapport/content/v1/mail_intake_service';

const callMs = 30_000;
const uploadMs = 60_000;

/** A mail of more bytes is stored by a call of its own. */
export const largeBytes = 1_024 * 1_024;

/** A larger mail cannot be stored: see StoreLargeMessage. */
export const maxMailBytes = 50 * 1_024 * 1_024;

/** Bytes of a message of an upload. */
const pieceBytes = 256 * 1_024;

/** Messages of a page of ListStoredMessages: a shorter one is the last. */
const pageSize = 200;

/** A folder of a mailbox with one numbering of its mails. */
export interface NumberedFolder {
  tenantId: string;
  mailboxId: string;
  folder: string;
  uidValidity: number;
}

/** A mailbox, and who hands its mails over: the mail service, or a principal. */
export interface MailPlace {
  tenantId: string;
  mailboxId: string;
  principalId?: string;
}

/** The mails that customers has stored. */
export class StoredMail {
  constructor(private readonly customers: Pick<ContractClient, 'unary' | 'upload'>) {}

  /** Stores mails of at most 1 MiB. One that has been stored before is not stored again. */
  async store({ tenantId, mailboxId, principalId }: MailPlace, items: readonly StoredItem[]): Promise<StoredMessage[]> {
    const request = { tenantId, mailboxId, items, principalId };
    return ((await this.#call(Intake.storeMessages.path, request)) as StoreMessagesResponse).messages;
  }

  /** Stores one mail of more than 1 MiB. */
  async storeLarge({ tenantId, mailboxId, principalId }: MailPlace, item: StoredItem): Promise<StoredMessage> {
    const options = { context: { requestId: randomUUID() }, deadlineMs: uploadMs };
    const requests = pieces({ tenantId, mailboxId, principalId }, item);
    return (await this.customers.upload(Intake.storeLargeMessage.path, requests, options)) as StoredMessage;
  }

  /** SHA-256 hashes of the stored mails of a folder, by UID; undefined for an erased mail. */
  async list({ tenantId, mailboxId, folder, uidValidity }: NumberedFolder): Promise<Map<number, string | undefined>> {
    const found = new Map<number, string | undefined>();
    for (let afterUid = 0; ;) {
      const request = { tenantId, mailboxId, folder, uidValidity, afterUid };
      const answer = (await this.#call(Intake.listStoredMessages.path, request)) as ListStoredMessagesResponse;
      for (const { uid, sha256 } of answer.messages) found.set(uid, sha256);
      const last = answer.messages.at(-1);
      if (!last || answer.messages.length < pageSize) return found;
      afterUid = last.uid;
    }
  }

  #call(path: string, request: object): Promise<unknown> {
    return this.customers.unary(path, request, { context: { requestId: randomUUID() }, deadlineMs: callMs });
  }
}

async function* pieces(
  place: { tenantId: string; mailboxId: string; principalId: string | undefined },
  { raw, ...item }: StoredItem,
): AsyncGenerator<StoreLargeMessageRequest> {
  const nothing = Buffer.alloc(0);
  yield { ...place, item: { ...item, raw: raw.subarray(0, pieceBytes) }, data: nothing };
  for (let start = pieceBytes; start < raw.length; start += pieceBytes) {
    yield {
      tenantId: '',
      mailboxId: '',
      principalId: undefined,
      item: undefined,
      data: raw.subarray(start, start + pieceBytes),
    };
  }
}
