import { randomUUID } from 'node:crypto';
import type { ContractClient } from '@rapport/contracts';
import {
  AuthServiceService,
  type UserContact,
  type VouchForPrincipalResponse,
} from '@rapport/contracts/rapport/auth/v1/auth_service';
import {
  DigestOutboxServiceService as Methods,
  type ClaimDigestsResponse,
  type ListDigestTenantsResponse,
  type SettledDigest,
} from '@rapport/contracts/rapport/work/v1/digest_outbox_service';
import {
  NotificationsServiceService,
  type ListNotificationsResponse,
  type Notification,
} from '@rapport/contracts/rapport/work/v1/notifications_service';

const callMs = 30_000;

/** How long a claim lasts, in seconds: longer than all digests of a claim take. */
const leaseSeconds = 300;

/** Most notifications of a digest. */
export const maxListed = 50;

/** The user of a digest, with the unread notifications, newest first, as the user can read them. */
export interface DigestContent {
  contact: UserContact;
  notifications: Notification[];
  /** Whether there are more unread notifications than those. */
  hasMore: boolean;
}

/** The digests to send, which customers keep, and what they are made of. */
export class DigestOutbox {
  constructor(
    private readonly customers: Pick<ContractClient, 'unary'>,
    private readonly auth: Pick<ContractClient, 'unary'>,
  ) {}

  async tenants(afterTenantId: string | undefined): Promise<string[]> {
    const answer = await this.#call(Methods.listDigestTenants.path, { afterTenantId });
    return (answer as ListDigestTenantsResponse).tenantIds;
  }

  /** Claims digests of mailboxes. Without mailboxes, only claims whose leases have ended are given up. */
  async claim(tenantId: string, mailboxIds: readonly string[], limit: number): Promise<ClaimDigestsResponse> {
    const request = { tenantId, mailboxIds, limit, leaseSeconds };
    return (await this.#call(Methods.claimDigests.path, request)) as ClaimDigestsResponse;
  }

  async settle(tenantId: string, items: readonly SettledDigest[]): Promise<void> {
    await this.#call(Methods.settleDigests.path, { tenantId, items });
  }

  /**
   * Reads what is in the digest of a user.
   *
   * @param after position before the first notification
   * @param upTo position of the last one
   * @throws AppError PERMISSION_DENIED for a user that is not active, or can not read notifications any more
   */
  async content(
    tenantId: string,
    userId: string,
    { after, upTo }: { after: number; upTo: number },
  ): Promise<DigestContent> {
    const vouching = { tenantId, principalId: `user:${userId}`, withContact: true };
    const context = { requestId: randomUUID() };
    const options = { context, deadlineMs: callMs };
    const { path } = AuthServiceService.vouchForPrincipal;
    const vouched = (await this.auth.unary(path, vouching, options)) as VouchForPrincipalResponse;
    if (!vouched.contact) throw new Error(`Auth gave no contact of the user ${userId}.`);
    const answer = (await this.customers.unary(
      NotificationsServiceService.listNotifications.path,
      { kinds: [], unread: true, pageSize: maxListed },
      { context: { ...context, principalToken: vouched.principalToken }, deadlineMs: callMs },
    )) as ListNotificationsResponse;
    const notifications = answer.notifications.filter(({ position }) => position > after && position <= upTo);
    const oldest = answer.notifications.at(-1)?.position ?? 0;
    return {
      contact: vouched.contact,
      notifications,
      hasMore: answer.nextPageToken !== undefined && oldest > after + 1,
    };
  }

  #call(path: string, request: object): Promise<unknown> {
    return this.customers.unary(path, request, { context: { requestId: randomUUID() }, deadlineMs: callMs });
  }
}
