import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  CampaignOutboxServiceService as Methods,
  type CampaignOutboxServiceServer,
  type ClaimRecipientsRequest,
  type ClaimRecipientsResponse,
  type ListSendingTenantsRequest,
  type ListSendingTenantsResponse,
  type SettleRecipientsRequest,
  type SettleRecipientsResponse,
} from '@rapport/contracts/rapport/marketing/v1/campaign_outbox_service';
import { requireSync } from '@rapport/platform';
import { workspaceTimeZone } from '../../../engine/query/workspace-time-zone.js';
import { Sealing } from '../../../engine/sealing/sealing.js';
import { PublicUrl } from '../../links/public-links.js';
import { forMailOf, writeForMail } from '../../messages/mail-caller.js';
import { onCampaignBounce } from '../../messages/record-bounce.js';
import { SuppressionKey } from '../../suppressions/suppression-key.js';
import { claimRecipients } from './claim-recipients.js';
import { recordRecipientBounce } from './recipient-bounce.js';
import { sendingTenants } from './sending-jobs.js';
import { settleRecipients } from './settle-recipients.js';

onCampaignBounce(recordRecipientBounce);

/** The ledger of recipients to send to. For sync only: each handler works for the tenant of its request. */
@Controller()
@ImplementsService(Methods)
export class CampaignOutboxController implements ServiceHandlers<CampaignOutboxServiceServer> {
  constructor(
    readonly em: EntityManager,
    readonly sealing: Sealing,
    private readonly suppressionKey: SuppressionKey,
    private readonly publicUrl: PublicUrl,
  ) {}

  listSendingTenants({ afterTenantId }: ListSendingTenantsRequest): Promise<ListSendingTenantsResponse> {
    requireSync();
    return sendingTenants(this.em, afterTenantId);
  }

  async claimRecipients(request: ClaimRecipientsRequest): Promise<ClaimRecipientsResponse> {
    const { key, zone } = await forMailOf(this, request.tenantId, async () => ({
      key: await this.suppressionKey.of(this.em),
      zone: await workspaceTimeZone(this.em),
    }));
    const claiming = { key, zone, publicUrl: this.publicUrl.text };
    return writeForMail(this, Methods.claimRecipients, request, (each) => claimRecipients(each, claiming, request));
  }

  settleRecipients(request: SettleRecipientsRequest): Promise<SettleRecipientsResponse> {
    return writeForMail(this, Methods.settleRecipients, request, (each) => settleRecipients(each, request));
  }
}
