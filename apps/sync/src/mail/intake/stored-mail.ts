import { randomUUID } from 'node:crypto';
import type { ContractClient } from '@rapport/contracts';
import {
  MailIntakeServiceService as Intake,
  type ListStoredMessagesResponse,
  type StoredItem,
  type StoreLargeMessageRequest,
} from '@rapport/contracts/rapport/content/v1/mail_intake_service';

const callMs = 30_000;
const uploadMs = 60_000;

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

/** The mails that customers has stored. */
export class StoredMail {
  constructor(private readonly customers: Pick<ContractClient, 'unary' | 'upload'>) {}

  /** Stores mails. One that has been stored before is not stored again. */
  async store({ tenantId, mailboxId }: NumberedFolder, items: readonly StoredItem[]): Promise<void> {
    await this.#call(Intake.storeMessages.path, { tenantId, mailboxId, items });
  }

  /** Stores one mail of more than 1 MiB. */
  async storeLarge({ tenantId, mailboxId }: NumberedFolder, item: StoredItem): Promise<void> {
    const options = { context: { requestId: randomUUID() }, deadlineMs: uploadMs };
    await this.customers.upload(Intake.storeLargeMessage.path, pieces({ tenantId, mailboxId }, item), options);
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
  place: { tenantId: string; mailboxId: string },
  { raw, ...item }: StoredItem,
): AsyncGenerator<StoreLargeMessageRequest> {
  const nothing = Buffer.alloc(0);
  yield { ...place, item: { ...item, raw: raw.subarray(0, pieceBytes) }, data: nothing };
  for (let start = pieceBytes; start < raw.length; start += pieceBytes) {
    yield { tenantId: '', mailboxId: '', item: undefined, data: raw.subarray(start, start + pieceBytes) };
  }
}
