import { randomUUID } from 'node:crypto';
import type { ContractClient } from '@rapport/contracts';
import {
  AuthServiceService,
  type UserContact,
  type VouchForPrincipalResponse,
} from '@rapport/contracts/rapport/auth/v1/auth_service';
import {
  MailOutboxServiceService as Methods,
  type ClaimedMessage,
  type ClaimMessagesResponse,
  type ListQueuedTenantsResponse,
  type ReadOutgoingAttachmentResponse,
  type SettledMessage,
} from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import { AppError } from '@rapport/platform';
import { UnsendableError } from './compose-mail.js';

const callMs = 30_000;

/** How long a claim lasts, in seconds: longer than all messages of a claim take. */
const leaseSeconds = 300;

/** The queue of outgoing messages, which customers keep. */
export class Outbox {
  readonly #worker = `sync ${process.pid} ${randomUUID()}`;

  constructor(
    private readonly customers: Pick<ContractClient, 'unary' | 'stream'>,
    private readonly auth: Pick<ContractClient, 'unary'>,
  ) {}

  /** Tenants with messages to send, with ids behind one. */
  async tenants(afterTenantId: string | undefined): Promise<string[]> {
    const answer = await this.customers.unary(Methods.listQueuedTenants.path, { afterTenantId }, this.#options());
    return (answer as ListQueuedTenantsResponse).tenantIds;
  }

  /** Claims messages of mailboxes. Without mailboxes, only claims whose leases have ended are given up. */
  async claim(tenantId: string, mailboxIds: readonly string[], limit: number): Promise<ClaimedMessage[]> {
    const request = { tenantId, mailboxIds, limit, worker: this.#worker, leaseSeconds };
    const answer = await this.customers.unary(Methods.claimMessages.path, request, this.#options());
    return (answer as ClaimMessagesResponse).messages;
  }

  async settle(tenantId: string, items: readonly SettledMessage[]): Promise<void> {
    await this.customers.unary(Methods.settleMessages.path, { tenantId, items }, this.#options());
  }

  async attachment(tenantId: string, messageId: string, fileId: string): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    const { path } = Methods.readOutgoingAttachment;
    for await (const answer of this.customers.stream(path, { tenantId, messageId, fileId }, this.#options())) {
      pieces.push((answer as ReadOutgoingAttachmentResponse).data);
    }
    return Buffer.concat(pieces);
  }

  /**
   * How to reach a user.
   *
   * @throws UnsendableError for a user that is not active
   */
  async contact(tenantId: string, userId: string): Promise<UserContact> {
    const vouching = { tenantId, principalId: `user:${userId}`, withContact: true };
    const answer = await this.auth
      .unary(AuthServiceService.vouchForPrincipal.path, vouching, this.#options())
      .catch((error: unknown) => {
        const isEnded = error instanceof AppError && error.code === 'PERMISSION_DENIED';
        throw isEnded ? new UnsendableError('The user has no access.') : error;
      });
    const { contact } = answer as VouchForPrincipalResponse;
    if (!contact) throw new Error(`Auth gave no contact of the user ${userId}.`);
    return contact;
  }

  #options() {
    return { context: { requestId: randomUUID() }, deadlineMs: callMs };
  }
}
