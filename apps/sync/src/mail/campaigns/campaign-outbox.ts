import { randomUUID } from 'node:crypto';
import type { ContractClient } from '@rapport/contracts';
import {
  CampaignOutboxServiceService as Methods,
  type BegunRecipient,
  type ClaimRecipientsResponse,
  type ListSendingTenantsResponse,
  type SettledRecipient,
  type SettleRecipientsResponse,
} from '@rapport/contracts/rapport/marketing/v1/campaign_outbox_service';
import type { WaitingTenants } from '../sending/relay-turns.js';

const callMs = 30_000;

/** How long a claim lasts, in seconds: longer than all recipients of a claim take. */
const leaseSeconds = 120;

/** What recipients of which campaigns are claimed. */
export interface RecipientClaim {
  tenantId: string;
  mailboxIds: string[];
  limit: number;
  skippedDomains: string[];
}

/** The recipients of campaigns, which customers keep. */
export class CampaignOutbox {
  readonly #worker = `sync ${process.pid} ${randomUUID()}`;

  constructor(private readonly customers: Pick<ContractClient, 'unary'>) {}

  async tenants(afterTenantId: string | undefined): Promise<WaitingTenants> {
    return (await this.#call(Methods.listSendingTenants.path, { afterTenantId })) as ListSendingTenantsResponse;
  }

  /** Claims recipients of mailboxes. Without mailboxes, only claims whose leases have ended are given up. */
  async claim(claim: RecipientClaim): Promise<ClaimRecipientsResponse> {
    const request = { ...claim, worker: this.#worker, leaseSeconds, beginsLater: true };
    return (await this.#call(Methods.claimRecipients.path, request)) as ClaimRecipientsResponse;
  }

  /** @returns ids of recipients that must not be sent to */
  async record(
    tenantId: string,
    items: readonly SettledRecipient[],
    begun: readonly BegunRecipient[],
  ): Promise<ReadonlySet<string>> {
    const answer = await this.#call(Methods.settleRecipients.path, { tenantId, items, begun });
    return new Set((answer as SettleRecipientsResponse).refusedIds);
  }

  #call(path: string, request: object): Promise<unknown> {
    return this.customers.unary(path, request, { context: { requestId: randomUUID() }, deadlineMs: callMs });
  }
}
