import { createHash, randomUUID } from 'node:crypto';
import { allFormats, type ContractClient } from '@rapport/contracts';
import {
  MailIntakeServiceService as Intake,
  type ClaimStoredMessagesResponse,
  type ListUnparsedTenantsResponse,
  type ReadRawMessageResponse,
  type StoreAttachmentRequest,
  type StoreAttachmentResponse,
  type UnparsedMessage,
} from '@rapport/contracts/rapport/content/v1/mail_intake_service';
import {
  AttachmentDisposition,
  AttachmentScan,
  type MessageAttachment,
} from '@rapport/contracts/rapport/content/v1/message';
import { AuthServiceService, type VouchForAddressResponse } from '@rapport/contracts/rapport/auth/v1/auth_service';
import { AppError } from '@rapport/platform';
import { recordReport } from '../bounces/record-report.js';
import type { ParsedAttachment, ParsedContent } from '../parsing/parse-mail.js';
import type { VirusScanner } from '../parsing/virus-scanner.js';

const callMs = 10_000;
const streamMs = 60_000;

/** How long a claimed mail is left to this process, in seconds. */
const leaseSeconds = 180;

/** Bytes of a message of an upload. */
const pieceBytes = 256 * 1_024;

/** Tenants of an answer of ListUnparsedTenants: a shorter one is the last. */
const tenantsPerPage = 100;

/** The stored mails that wait to be parsed. */
export class UnparsedMail {
  constructor(
    private readonly customers: Pick<ContractClient, 'unary' | 'stream' | 'upload'>,
    private readonly auth: Pick<ContractClient, 'unary'>,
    private readonly scanner: VirusScanner,
  ) {}

  /** Tenants that have some. */
  async tenants(): Promise<string[]> {
    const found: string[] = [];
    for (;;) {
      const request = { afterTenantId: found.at(-1) };
      const { tenantIds } = (await this.#call(Intake.listUnparsedTenants.path, request)) as ListUnparsedTenantsResponse;
      found.push(...tenantIds);
      if (tenantIds.length < tenantsPerPage) return found;
    }
  }

  /** @param returnedMessageIds of earlier claims, whose attempts do not count */
  async claim(tenantId: string, limit: number, returnedMessageIds: string[]): Promise<UnparsedMessage[]> {
    const request = { tenantId, limit, leaseSeconds, returnedMessageIds };
    return ((await this.#call(Intake.claimStoredMessages.path, request)) as ClaimStoredMessagesResponse).messages;
  }

  async raw(tenantId: string, messageId: string): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    const options = { context: { requestId: randomUUID() }, deadlineMs: streamMs };
    for await (const piece of this.customers.stream(Intake.readRawMessage.path, { tenantId, messageId }, options)) {
      pieces.push((piece as ReadRawMessageResponse).data);
    }
    return Buffer.concat(pieces);
  }

  /** Records what a report says, stores the attachments, then files the message. A repetition stores and files nothing twice. An infected attachment is not stored. */
  async file(tenantId: string, messageId: string, { message, attachments, report }: ParsedContent): Promise<void> {
    if (report) await recordReport(this.customers, tenantId, report);
    const stored: MessageAttachment[] = [];
    for (const [part, each] of attachments.entries()) {
      stored.push(await this.#storeAttachment({ tenantId, messageId, part }, each));
    }
    const parsed = { ...message, attachments: stored };
    // The last step before: a token is valid for a minute.
    const agentToken = await this.#agentToken(tenantId, message.fromAddress);
    await this.#call(Intake.fileMessage.path, { tenantId, messageId, parsed, agentToken });
  }

  /** The token of the user with an address, if there is one. */
  async #agentToken(tenantId: string, address: string | undefined): Promise<string | undefined> {
    if (address === undefined || !isEmail(address)) return undefined;
    const options = { context: { requestId: randomUUID() }, deadlineMs: callMs };
    const answer = await this.auth.unary(AuthServiceService.vouchForAddress.path, { tenantId, address }, options);
    return (answer as VouchForAddressResponse).principalToken;
  }

  async reject(tenantId: string, messageId: string, reason: string): Promise<void> {
    await this.#call(Intake.rejectMessage.path, { tenantId, messageId, reason });
  }

  async #storeAttachment(
    place: { tenantId: string; messageId: string; part: number },
    { name, contentId, isInline, contentType, content }: ParsedAttachment,
  ): Promise<MessageAttachment> {
    const options = { context: { requestId: randomUUID() }, deadlineMs: streamMs };
    const scan = await this.scanner.scan(content);
    const described = {
      ...{ name, contentId, scan },
      disposition: isInline ? AttachmentDisposition.INLINE : AttachmentDisposition.ATTACHMENT,
    };
    if (scan === AttachmentScan.INFECTED) return { ...described, ...unstored(contentType, content) };
    try {
      const pieces = attachmentPieces({ ...place, name: name ?? '', contentType }, content);
      const answer = (await this.customers.upload(
        Intake.storeAttachment.path,
        pieces,
        options,
      )) as StoreAttachmentResponse;
      return { ...described, ...answer };
    } catch (error) {
      if (!(error instanceof AppError) || error.reason !== 'FILE_QUOTA') throw error;
      return { ...described, ...unstored(contentType, content) };
    }
  }

  #call(path: string, request: object): Promise<unknown> {
    return this.customers.unary(path, request, { context: { requestId: randomUUID() }, deadlineMs: callMs });
  }
}

/** What is known of an attachment that only the raw mail has. */
function unstored(contentType: string, content: Uint8Array) {
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { fileId: undefined, contentType, sizeBytes: content.length, sha256 };
}

/** Whether a user can have the address. */
function isEmail(address: string): boolean {
  return allFormats.find(({ name }) => name === 'email')?.test(address) === true;
}

async function* attachmentPieces(
  first: Omit<StoreAttachmentRequest, 'data'>,
  content: Uint8Array,
): AsyncGenerator<StoreAttachmentRequest> {
  const none = { tenantId: '', messageId: '', part: 0, name: '', contentType: '' };
  yield { ...first, data: Buffer.from(content.subarray(0, pieceBytes)) };
  for (let start = pieceBytes; start < content.length; start += pieceBytes) {
    yield { ...none, data: Buffer.from(content.subarray(start, start + pieceBytes)) };
  }
}
